// Cloth: rough, with fuzz that catches light at grazing angles.

struct Light {
    vec3 key;
    vec3 rest;
};

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    float graze = 1.0 - max(dot(n, v), 0.0);
    graze *= graze * graze;
    float open = 0.14 + 0.86 * shade.x;  // cloth lights up what it hides
    Light light;
    light.key = soft(n, KEY, 0.12) * shade.y * KEY_COLOUR;
    light.rest = soft(n, FILL, 0.2) * shade.z * FILL_COLOUR + open * sky(n.y)
        + 0.55 * graze * shade.x * (sky(n.y) + 1.3 * rims(n, 0.2));
    return light;
}
