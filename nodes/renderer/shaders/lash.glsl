// Lashes: dark hairs, whose coverage is in the texture.

void main() {
    vec4 texel = texture(image, v_uv);
    colour = vec4(texel.rgb * 0.5, min(texel.a * 1.35, 1.0));
}
