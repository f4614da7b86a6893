// What changes with every frame.
layout(std140) uniform Frame {
    mat4 camera;
    vec4 camera_place;
    vec4 head_left;
    vec4 head_up;
    vec4 eyes[2];   // centres of the left and the right eyeball in the world, radius
    vec4 lids[2];   // heights of the upper and the lower lid over the centre, m
    vec4 opening;   // x: how far the mouth is open, 0..1
    vec4 bones[3 * BONES];
};

// Exposure, filmic curve and gamma in one (J. Hejl and R. Burgess-Dawson, "Filmic Tonemapping", 2010).
vec3 developed(vec3 light) {
    vec3 x = max(light * EXPOSURE - 0.004, 0.0);
    return (x * (6.2 * x + 0.5)) / (x * (6.2 * x + 1.7) + 0.06);
}

vec3 sky(float up) {
    return mix(GROUND, SKY, up * 0.5 + 0.5);
}

// A light from the side or behind, softened by `wrap`.
float soft(vec3 n, vec3 light, float wrap) {
    return clamp((dot(n, light) + wrap) / (1.0 + wrap), 0.0, 1.0);
}

vec3 rims(vec3 n, float wrap) {
    return soft(n, LEFT_RIM, wrap) * LEFT_RIM_COLOUR + soft(n, RIGHT_RIM, wrap) * RIGHT_RIM_COLOUR;
}
