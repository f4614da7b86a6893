// Skin: colour and gloss from the texture; a broad and a fine highlight.

void main() {
    vec4 texel = texture(image, v_uv);
    Light light = light_here();
    float k = max(light.halfway, 0.0);
    k *= k; k *= k; k *= k;
    float k16 = k * k, k64 = k16 * k16;
    k64 *= k64;
    float gloss = texel.a;
    float shine = gloss * (0.15 * k16 + 0.34 * gloss * k64) * light.key;
    colour = vec4(developed(texel.rgb * texel.rgb * light.diffuse + shine * KEY_COLOUR + light.sheen), surface);
}
