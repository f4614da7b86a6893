// Hair below the surface: dim light that finds its way in.

struct Light {
    vec3 seen;
};

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    Light light;
    light.seen = (0.5 * shade.y * KEY_COLOUR + 0.6 * FILL_COLOUR + sky(n.y)) * (0.30 + 0.70 * shade.x);
    return light;
}
