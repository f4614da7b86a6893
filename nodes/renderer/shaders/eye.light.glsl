// The eye works out its light per pixel.

struct Light {
    vec3 n;
    vec3 v;
};

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    return Light(n, v);
}
