// Skinning: four bones per vertex, each a 3 x 4 matrix in three rows. Light is worked out here where PER_VERTEX says so.

uniform vec2 repeat;

in vec3 position;
in vec3 normal;
#ifdef STRANDS
in vec3 tangent;
#endif
in vec2 uv;
in uvec4 joints;
in vec4 weights;
in vec4 shade;

out vec2 v_uv;
#ifdef PER_VERTEX
out Light v_light;
#else
out vec3 v_normal;
out vec3 v_view;
out vec4 v_shade;
out vec3 v_tangent;
out vec3 v_place;
#endif

void main() {
    ivec4 bone = ivec4(joints) * 3;
    vec4 x = bones[bone.x] * weights.x + bones[bone.y] * weights.y + bones[bone.z] * weights.z + bones[bone.w] * weights.w;
    vec4 y = bones[bone.x + 1] * weights.x + bones[bone.y + 1] * weights.y + bones[bone.z + 1] * weights.z
        + bones[bone.w + 1] * weights.w;
    vec4 z = bones[bone.x + 2] * weights.x + bones[bone.y + 2] * weights.y + bones[bone.z + 2] * weights.z
        + bones[bone.w + 2] * weights.w;
    vec4 bound = vec4(position, 1.0);
    vec3 place = vec3(dot(x, bound), dot(y, bound), dot(z, bound));
    vec3 turned = vec3(dot(x.xyz, normal), dot(y.xyz, normal), dot(z.xyz, normal));
#ifdef STRANDS
    vec3 along = vec3(dot(x.xyz, tangent), dot(y.xyz, tangent), dot(z.xyz, tangent));
#else
    vec3 along = vec3(0.0);
#endif
    v_uv = uv * repeat;
#ifdef PER_VERTEX
    v_light = light_of(normalize(turned), normalize(camera_place.xyz - place), along, shade);
#else
    v_normal = turned;
    v_view = camera_place.xyz - place;
    v_shade = shade;
    v_tangent = along;
    v_place = place;
#endif
    gl_Position = camera * vec4(place, 1.0);
}
