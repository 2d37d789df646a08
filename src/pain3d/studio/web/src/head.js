// The head: a .glb with morph targets, moved here in the browser. Also measures how far pain moves each vertex.
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { morphWeights, withoutPain } from "./facs.js";
import { patch } from "./shading.js";

const loader = new GLTFLoader();

/** Build a head from the bytes of a .glb and the mask of vertices that the heatmap measures. */
export async function loadHead(bytes, measured, stage) {
  const gltf = await loader.parseAsync(bytes, "");
  return new Head(gltf, measured, stage);
}

export class Head {
  constructor(gltf, measured, { shared, quick }) {
    this.about = gltf.asset.extras.pain3d;
    this.object = gltf.scene;
    this.meshes = [];
    this.object.traverse((part) => {
      if (!part.isMesh) return;
      const skin = part.material.name === "skin";
      const face = ["skin", "mouth", "eyes", "lashes"].includes(part.material.name);
      part.geometry = face ? compacted(part.geometry) : part.geometry;
      part.castShadow = part.material.name !== "lashes" && part.material.name !== "eyes";
      part.receiveShadow = part.material.name !== "lashes";
      part.frustumCulled = false;
      if (quick) part.material = matt(part.material);
      else if (["hair", "lashes"].includes(part.material.name)) strands(part.material);
      patch(part.material, shared);
      this.meshes.push(part);
      if (skin) this.skin = part;
    });
    this.#prepareHeat(measured);
  }

  /** Move: weights of all targets for these intensities. */
  act(aus, blink = 0) {
    const moved = { ...aus, AU43: Math.max(aus.AU43 ?? 0, blink) };
    const weights = morphWeights(moved, this.about);
    for (const mesh of this.meshes) {
      for (const [name, place] of Object.entries(mesh.morphTargetDictionary)) mesh.morphTargetInfluences[place] = weights[name];
    }
  }

  /**
   * Millimetres that pain moves each vertex of the skin: the sum of the targets now, less the sum with the six units of
   * pain at rest. Off from the rig's by what targets miss, see docs/studio.md.
   */
  heat(aus, blink = 0) {
    const now = morphWeights({ ...aus, AU43: Math.max(aus.AU43 ?? 0, blink) }, this.about);
    const rest = morphWeights(withoutPain(aus, blink), this.about);
    const moved = this.moved.fill(0);
    for (const [name, place] of Object.entries(this.skin.morphTargetDictionary)) {
      const change = now[name] - rest[name];
      if (!change) continue;
      const { at, by } = this.sparse[place];
      for (let i = 0; i < at.length; i++) {
        const to = 3 * at[i];
        moved[to] += change * by[3 * i];
        moved[to + 1] += change * by[3 * i + 1];
        moved[to + 2] += change * by[3 * i + 2];
      }
    }
    const heat = this.heatAttribute.array;
    let most = 0;
    for (let i = 0; i < heat.length; i++) {
      heat[i] = this.mask[i] ? 1000 * Math.hypot(moved[3 * i], moved[3 * i + 1], moved[3 * i + 2]) : 0;
      if (heat[i] > most) most = heat[i];
    }
    this.heatAttribute.needsUpdate = true;
    return most;
  }

  /** Put other pictures on the skin: {colour, roughness, relief} as ImageBitmap. */
  dress(pictures) {
    const maps = { colour: ["map"], roughness: ["roughnessMap"], relief: ["normalMap"] };
    for (const [name, bitmap] of Object.entries(pictures)) {
      const old = this.skin.material[maps[name][0]];
      if (!old) continue; // a matt skin has no roughness
      const fresh = old.clone();
      fresh.source = new THREE.TextureSource(bitmap);
      fresh.needsUpdate = true;
      for (const mesh of this.meshes) {
        for (const slot of ["map", "roughnessMap", "metalnessMap", "normalMap"]) {
          if (mesh.material[slot] === old) mesh.material[slot] = fresh;
        }
      }
      old.dispose();
    }
  }

  dispose() {
    for (const mesh of this.meshes) {
      mesh.geometry.dispose();
      for (const value of Object.values(mesh.material)) if (value?.isTexture) value.dispose();
      mesh.material.dispose();
    }
  }

  #prepareHeat(measured) {
    const geometry = this.skin.geometry;
    const { kept } = geometry.userData;
    this.mask = Uint8Array.from(kept, (vertex) => measured[vertex]);
    this.moved = new Float32Array(3 * kept.length);
    this.heatAttribute = new THREE.BufferAttribute(new Float32Array(kept.length), 1);
    geometry.setAttribute("heat", this.heatAttribute);
    this.sparse = geometry.morphAttributes.position.map(({ array }) => {
      const at = [];
      for (let i = 0; i < kept.length; i++) if (array[3 * i] || array[3 * i + 1] || array[3 * i + 2]) at.push(i);
      const by = new Float32Array(3 * at.length);
      at.forEach((vertex, i) => by.set(array.subarray(3 * vertex, 3 * vertex + 3), 3 * i));
      return { at: Uint32Array.from(at), by };
    });
  }
}

/** The cheapest surface that still has light and shade, for browsers without a graphics card. */
function matt(material) {
  const { name, map, color, vertexColors, normalMap, alphaTest, side, transparent, opacity } = material;
  const plain = name === "skin" ? { normalMap } : {};
  return new THREE.MeshLambertMaterial({ name, map, color, vertexColors, alphaTest, side, transparent, opacity, ...plain });
}

/** Thin things: soft edges, and little of the sheen that a smooth ribbon would have. */
function strands(material) {
  material.alphaToCoverage = true;
  material.alphaTest = 0.3;
  material.roughness = 0.85;
  material.envMapIntensity = 0.4;
}

/** The same geometry without vertices that no triangle of it has: four parts of the face share one set in the file. */
function compacted(geometry) {
  const index = geometry.index.array;
  const place = new Int32Array(geometry.attributes.position.count).fill(-1);
  const kept = [];
  const corners = new Uint32Array(index.length);
  for (let i = 0; i < index.length; i++) {
    if (place[index[i]] < 0) place[index[i]] = kept.push(index[i]) - 1;
    corners[i] = place[index[i]];
  }
  const picked = (attribute) => {
    const size = attribute.itemSize;
    const array = new attribute.array.constructor(kept.length * size);
    kept.forEach((vertex, i) => {
      for (let k = 0; k < size; k++) array[i * size + k] = attribute.array[vertex * size + k];
    });
    return new THREE.BufferAttribute(array, size, attribute.normalized);
  };
  const out = new THREE.BufferGeometry();
  out.setIndex(new THREE.BufferAttribute(corners, 1));
  for (const [name, attribute] of Object.entries(geometry.attributes)) out.setAttribute(name, picked(attribute));
  for (const [name, targets] of Object.entries(geometry.morphAttributes)) out.morphAttributes[name] = targets.map(picked);
  out.morphTargetsRelative = geometry.morphTargetsRelative;
  out.userData.kept = kept;
  return out;
}
