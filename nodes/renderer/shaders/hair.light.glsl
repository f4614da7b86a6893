// Hair: fibres light up across, not along (J. Kajiya and T. Kay, 1989).

struct Light {
    vec3 diffuse;
    vec3 behind;    // light from behind that shines through the outermost hair
    vec4 halfway;      // cosines of the fibre and of the normal to the half vectors of key and fill light
    vec2 key_tone;  // how much of the key light highlights get, tone of the lock
};

Light light_of(vec3 n, vec3 v, vec3 tangent, vec4 shade) {
    vec3 t = normalize(tangent);
    vec3 hk = normalize(KEY + v), hf = normalize(FILL + v);
    float along = dot(t, KEY);
    float lit = sqrt(max(1.0 - along * along, 0.0)) * clamp(dot(n, KEY) * 0.65 + 0.35, 0.0, 1.0) * shade.y;
    float graze = 1.0 - max(dot(n, v), 0.0);
    graze *= graze * graze;
    Light light;
    light.diffuse = 0.85 * lit * KEY_COLOUR + (soft(n, FILL, 1.0) * FILL_COLOUR + 0.8 * sky(n.y)) * shade.x;
    light.behind = graze * rims(n, 0.3) * shade.x;
    light.halfway = vec4(dot(t, hk), dot(n, hk), dot(t, hf), dot(n, hf));
    light.key_tone = vec2(lit, shade.z);
    return light;
}
