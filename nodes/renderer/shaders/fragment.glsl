// What every material gets from the vertex shader.

uniform sampler2D image;
uniform float surface;  // number of the surface, kept in alpha so that its edges can be smoothed

in vec2 v_uv;
#ifdef PER_VERTEX
in Light v_light;
#else
in vec3 v_normal;
in vec3 v_view;
in vec4 v_shade;
in vec3 v_tangent;
in vec3 v_place;
#endif
out vec4 colour;

Light light_here() {
#ifdef PER_VERTEX
    return v_light;
#else
    return light_of(normalize(v_normal), normalize(v_view), v_tangent, v_shade);
#endif
}
