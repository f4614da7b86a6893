// Lashes are too dark to show light.

struct Light {
    float none;
};

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    return Light(0.0);
}
