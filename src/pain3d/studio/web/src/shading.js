// What three.js draws otherwise here than by itself: the renderer's film curve, and heat in place of colour.
import * as THREE from "three";

// pain3d/render/film.py: a short toe, straight middle tones, a soft shoulder from 0.45 on
const FILM = `
vec3 CustomToneMapping( vec3 color ) {
  vec3 x = max( color * toneMappingExposure, vec3( 0.0 ) );
  vec3 toe = x * x / ( x + 0.014 );
  vec3 shoulder = 0.45 + 0.55 * ( 1.0 - exp( - ( max( toe, 0.45 ) - 0.45 ) / 0.55 ) );
  return mix( toe, shoulder, step( 0.45, toe ) );
}`;
const PLAIN = "vec3 CustomToneMapping( vec3 color ) { return color; }";
if (!THREE.ShaderChunk.tonemapping_pars_fragment.includes(PLAIN)) throw new Error("three.js: CustomToneMapping has moved");
THREE.ShaderChunk.tonemapping_pars_fragment = THREE.ShaderChunk.tonemapping_pars_fragment.replace(PLAIN, FILM);

// pain3d/evaluate/overlay.py: dark red over orange and yellow to white, linear here
const srgb = (r, g, b) => {
  const c = new THREE.Color().setRGB(r / 255, g / 255, b / 255, THREE.SRGBColorSpace);
  return `vec3( ${c.r.toFixed(4)}, ${c.g.toFixed(4)}, ${c.b.toFixed(4)} )`;
};
const HEAT = `
varying float vHeat;
uniform float heatOn;
uniform float heatMost;
vec3 warm( float s ) {
  vec3 c = mix( ${srgb(60, 0, 40)}, ${srgb(150, 10, 30)}, clamp( s / 0.12, 0.0, 1.0 ) );
  c = mix( c, ${srgb(235, 70, 15)}, clamp( ( s - 0.12 ) / 0.18, 0.0, 1.0 ) );
  c = mix( c, ${srgb(255, 165, 20)}, clamp( ( s - 0.3 ) / 0.25, 0.0, 1.0 ) );
  c = mix( c, ${srgb(255, 235, 110)}, clamp( ( s - 0.55 ) / 0.25, 0.0, 1.0 ) );
  return mix( c, ${srgb(255, 255, 240)}, clamp( ( s - 0.8 ) / 0.2, 0.0, 1.0 ) );
}
`;
const HEATED = `
if ( heatOn > 0.5 ) {
  float share = clamp( vHeat / heatMost, 0.0, 1.0 );
  vec3 grey = vec3( dot( diffuseColor.rgb, vec3( 0.3333 ) ) ) * 0.6;
  diffuseColor.rgb = mix( grey, warm( share ), min( 1.0, share * 1.6 ) );
}
`;

/** Uniforms that all materials share. */
export function sharedUniforms() {
  return { heatOn: { value: 0 }, heatMost: { value: 8 } };
}

export function patch(material, shared) {
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, shared);
    shader.vertexShader = `attribute float heat;\nvarying float vHeat;\n${shader.vertexShader}`.replace(
      "#include <begin_vertex>",
      "#include <begin_vertex>\nvHeat = heat;",
    );
    shader.fragmentShader = `${HEAT}${shader.fragmentShader}`.replace(
      "#include <color_fragment>",
      `#include <color_fragment>\n${HEATED}`,
    );
  };
}
