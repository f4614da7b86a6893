// Skin: light that wraps around and comes out redder than it went in.

struct Light {
    vec3 diffuse;
    vec3 sheen;   // at grazing angles, and the fill light's highlight
    float halfway;   // cosine to the half vector of the key light
    float key;    // how much of the key light is seen
};

const vec3 WRAP = vec3(0.40, 0.20, 0.14);

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    float open = shade.x, key = max(shade.y, 0.0), fill = shade.z;
    vec3 lit = clamp((dot(n, KEY) + WRAP) / (1.0 + WRAP), 0.0, 1.0);
    vec3 through = mix(vec3(key), vec3(sqrt(key)), vec3(0.9, 0.25, 0.1));  // edges of shadows are red
    vec3 bounce = vec3(open) + vec3(0.16, 0.03, 0.0) * (1.0 - open);
    vec3 behind = rims(n, 0.15) * open;
    float graze = 1.0 - max(dot(n, v), 0.0);
    graze *= graze;
    graze *= graze;
    float f = max(dot(n, normalize(FILL + v)), 0.0);
    f *= f; f *= f; f *= f; f *= f;
    Light light;
    light.diffuse = lit * lit * through * KEY_COLOUR + soft(n, FILL, 0.3) * fill * FILL_COLOUR + sky(n.y) * bounce
        + 0.55 * behind;
    light.sheen = graze * (0.22 * open * sky(n.y) + 0.17 * behind) + 0.034 * f * fill * FILL_COLOUR;
    light.halfway = dot(n, normalize(KEY + v));
    light.key = key;
    return light;
}
