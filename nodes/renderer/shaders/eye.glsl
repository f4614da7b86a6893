// Eyeball: iris and sclera in a texture along the gaze; a wet, rounder cornea over the iris; the lids' shadow.

uniform int side;  // 0 left, 1 right

// A softbox as it is mirrored in the cornea: its angular half width, half height and edge.
float softbox(vec3 mirrored, vec3 light, vec2 size) {
    vec3 across = normalize(cross(vec3(0.0, 1.0, 0.0), light)), up = cross(light, across);
    vec2 place = abs(vec2(dot(mirrored, across), dot(mirrored, up)));
    vec2 inside = 1.0 - smoothstep(size - 0.03, size + 0.03, place);
    return inside.x * inside.y * step(0.0, dot(mirrored, light));
}

void main() {
    vec4 texel = texture(image, v_uv);
    vec3 albedo = texel.rgb * texel.rgb;
    float iris = texel.a;
    Light light = light_here();
    vec3 n = light.n, v = light.v;
    vec2 place = (v_uv - 0.5) * 2.0;

    vec4 eye = eyes[side];
    vec2 margin = lids[side].xy;
    vec3 offset = v_place - eye.xyz;
    float height = dot(offset, head_up.xyz), aside = dot(offset, head_left.xyz) / (0.95 * eye.w);
    float bow = 1.0 - 0.75 * aside * aside;
    float below_upper = mix(0.0, margin.x, bow) - height, above_lower = height - mix(0.0, margin.y, bow);
    float shadow = smoothstep(-0.0015, 0.0055, below_upper) * (0.55 + 0.45 * smoothstep(-0.001, 0.0025, above_lower));
    shadow *= 1.0 - 0.55 * smoothstep(0.45, 0.95, abs(aside));
    float open = 0.22 + 0.78 * shadow;

    float lit = clamp(dot(n, KEY) * 0.7 + 0.3, 0.0, 1.0), side = clamp(dot(n, FILL) * 0.6 + 0.4, 0.0, 1.0);
    vec3 diffuse = (0.72 * lit * KEY_COLOUR + side * FILL_COLOUR + sky(n.y)) * open;
    float gathered = iris * clamp(0.5 - 1.6 * dot(place, KEY.xy), 0.0, 1.0);  // opposite to the light
    albedo *= 1.0 + 0.8 * gathered;

    vec3 cornea = normalize(n + (head_left.xyz * place.x + head_up.xyz * place.y) * 0.55 * iris);
    vec3 mirrored = reflect(-v, cornea);
    float window = softbox(mirrored, KEY, vec2(0.16, 0.20));
    float second = softbox(mirrored, FILL, vec2(0.10, 0.26));
    float graze = 1.0 - max(dot(cornea, v), 0.0);
    graze *= graze;
    float mirror = 0.025 + 0.5 * graze * graze;
    vec3 specular = window * vec3(2.0) * smoothstep(0.1, 0.6, open) + 0.4 * second * FILL_COLOUR * open
        + mirror * sky(mirrored.y) * open;
    colour = vec4(developed(albedo * diffuse + specular), surface);
}
