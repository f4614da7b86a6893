// Cloth: yarns as a height over the fabric, which says how much light reaches them. Patterns are worked out rather than
// looked up, which costs a software rasteriser half as much, and fade where they are too fine for the picture.

uniform vec3 tint;

#if defined(KNIT)
// Stocking stitch: columns of V-shaped stitches.
const vec2 COUNT = vec2(6.0, 8.0);
const float DEPTH = 0.42, MEAN = 0.66;
float height_at(vec2 p) {
    float across = abs(fract(p.x) - 0.5) * 2.0;
    float along = 2.0 * fract(p.y + 0.75 * across) - 1.0, aside = 2.0 * across - 1.0;
    return sqrt((1.0 - along * along) * (1.0 - 0.9 * aside * aside));
}
#elif defined(RIB)
// Ribs across the first coordinate.
const vec2 COUNT = vec2(6.0, 7.0);
const float DEPTH = 0.55, MEAN = 0.52;
float height_at(vec2 p) {
    vec2 bow = abs(fract(p) - 0.5) * 2.0;
    return (1.0 - bow.x * bow.x) * (1.0 - 0.15 * bow.y);
}
#elif defined(WEAVE)
// Twill: fine diagonal lines.
const vec2 COUNT = vec2(8.0, 8.0);
const float DEPTH = 0.16, MEAN = 0.5;
float height_at(vec2 p) {
    float line = abs(fract(p.x + p.y) - 0.5) * 2.0, thread = abs(fract(2.0 * p.x) - 0.5) * 2.0;
    return 0.7 * line + 0.3 * thread;
}
#else
const vec2 COUNT = vec2(1.0);
const float DEPTH = 0.0, MEAN = 1.0;
float height_at(vec2 p) { return 1.0; }
#endif

void main() {
    vec2 p = v_uv * COUNT;
    vec2 width = fwidth(p);
    float height = mix(MEAN, height_at(p), clamp(1.6 - 2.2 * max(width.x, width.y), 0.0, 1.0));
    float open = 1.0 - DEPTH + DEPTH * height;
    float shade = (1.0 - 0.3 * DEPTH * (1.0 - height)) * (gl_FrontFacing ? 1.0 : 0.55);
    Light light = light_here();
    colour = vec4(developed(tint * shade * (light.key * (0.35 + 0.65 * open) + light.rest * open)), surface);
}
