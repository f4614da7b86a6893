// Hair with two highlights, the second one tinted (after S. Marschner and others, 2003). The texture has the tone of
// the strand, light between strands, shift of the highlight, coverage.

uniform vec3 tint;
uniform vec3 root_tint;

void main() {
    vec4 texel = texture(image, v_uv);
#ifdef CUT_OUT
    if (texel.a < 0.5) discard;
#endif
    Light light = light_here();
    float tone = clamp(texel.r * 1.2 - 0.22 + 0.34 * (light.key_tone.y - 0.5), 0.0, 1.0);
    vec3 albedo = mix(root_tint, tint, tone * tone);
    float shift = (texel.b - 0.5) * 0.34;
    float a = light.halfway.x + light.halfway.y * (shift - 0.11), b = light.halfway.x + light.halfway.y * shift;
    float c = light.halfway.z + light.halfway.w * shift;
    a = max(1.0 - a * a, 0.0); b = max(1.0 - b * b, 0.0); c = max(1.0 - c * c, 0.0);
    a *= a; a *= a; a *= a; a *= a; a *= a;
    b *= b; b *= b; b *= b;
    c *= c; c *= c; c *= c;
    float key = light.key_tone.x * (0.4 + 0.6 * texel.g);
    vec3 seen = albedo * (light.diffuse * texel.g + 1.1 * b * key * KEY_COLOUR + 0.7 * c * texel.g * FILL_COLOUR
        + 1.3 * light.behind) + 0.085 * a * key * KEY_COLOUR + 0.02 * light.behind;
#ifdef CUT_OUT
    colour = vec4(developed(seen), surface);
#else
    colour = vec4(developed(seen), texel.a);
#endif
}
