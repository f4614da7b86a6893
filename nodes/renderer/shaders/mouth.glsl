// Teeth and tongue: wet, and the darker the deeper in the mouth; the wider it is open, the more light comes in.

void main() {
    vec4 texel = texture(image, v_uv);
    Light light = light_here();
    vec3 seen = texel.rgb * texel.rgb * light.diffuse + light.shine * texel.a * KEY_COLOUR;
    colour = vec4(developed(seen * (0.42 + 0.58 * opening.x)), surface);
}
