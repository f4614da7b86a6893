// Cloth: the texture has light between the yarns and their tint.

uniform vec3 tint;

void main() {
    vec4 texel = texture(image, v_uv, 0.6);
    Light light = light_here();
    vec3 albedo = tint * (gl_FrontFacing ? texel.g : 0.55 * texel.g);
    colour = vec4(developed(albedo * (light.key * (0.35 + 0.65 * texel.r) + light.rest * texel.r)), surface);
}
