// Inside the mouth: lit by what comes in between the lips.

struct Light {
    vec3 diffuse;
    float shine;
};

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    float k = max(dot(n, normalize(KEY + v)), 0.0);
    k *= k; k *= k; k *= k; k *= k; k *= k;
    Light light;
    light.diffuse = (0.62 * clamp(dot(n, KEY) * 0.6 + 0.4, 0.0, 1.0) * KEY_COLOUR + 0.7 * FILL_COLOUR + 0.8 * sky(n.y)) * shade.x;
    light.shine = 0.35 * k * shade.x;
    return light;
}
