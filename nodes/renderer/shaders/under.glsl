// Hair below the surface: dark, with a hint of strands.

uniform vec3 root_tint;

void main() {
    Light light = light_here();
    float strands = 0.75 + 0.35 * sin(v_uv.x * 130.0) * sin(v_uv.x * 47.0);
    colour = vec4(developed(3.4 * root_tint * light.seen * strands), surface);
}
