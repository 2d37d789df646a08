// The stage: camera, lamp and wall as the renderer has them, and a head before them. Draws only when something changed.
import * as THREE from "three";
import { sharedUniforms } from "./shading.js";

const FAR_M = 2;

export class Stage {
  constructor(canvas, restCanvas) {
    this.canvas = canvas;
    this.restCanvas = restCanvas;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, preserveDrawingBuffer: true });
    this.renderer.toneMapping = THREE.CustomToneMapping;
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(19, 1, 0.2, FAR_M);
    this.turned = new THREE.Group();
    this.turned.rotation.order = "ZXY";
    this.lamp = new THREE.DirectionalLight(0xffffff, Math.PI);
    this.lamp.castShadow = true;
    this.lamp.shadow.mapSize.set(1024, 1024);
    Object.assign(this.lamp.shadow.camera, { left: -0.19, right: 0.19, top: 0.19, bottom: -0.21, near: 0.2, far: 1.4 });
    this.lamp.shadow.bias = -0.0006;
    this.lamp.shadow.normalBias = 0.002;
    this.scene.add(this.turned, this.lamp, this.lamp.target);
    this.shared = sharedUniforms();
    this.pmrem = new THREE.PMREMGenerator(this.renderer);
    this.pose = { yaw: 0, pitch: 0, roll: 0 };
    this.aus = {};
    this.blink = 0;
    this.frames = 0;
    this.frameMs = 0;
    this.mostMm = 0;
    this.afterFrame = () => {};
    this.#waiting = false;
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  #waiting;

  /** Camera, lamp and wall; `wall` is an ImageBitmap. */
  setPlace(place, wall) {
    const { camera, light } = place;
    this.pivot = new THREE.Vector3(...camera.pivot_m);
    this.offset = new THREE.Vector3(...camera.shift_m, 0).sub(new THREE.Vector3(...camera.aim_m));
    this.camera.fov = camera.fov_degrees;
    this.camera.position.set(0, 0, camera.distance_m);
    this.camera.updateProjectionMatrix();
    this.lamp.color.setRGB(...light.key_colour);
    this.lamp.position.set(...light.key_direction).multiplyScalar(0.8);
    this.lamp.shadow.radius = 1 + 6 * Math.max(...light.key_size);
    this.renderer.toneMappingExposure = light.exposure;
    this.scene.environment?.dispose();
    this.scene.environment = this.#surroundings(light.surroundings);
    this.scene.background?.dispose();
    const texture = new THREE.Texture(wall);
    texture.colorSpace = THREE.SRGBColorSpace;
    texture.flipY = false; // the bitmap is turned already
    texture.needsUpdate = true;
    this.scene.background = texture;
    this.invalidate(true);
  }

  setHead(head) {
    if (this.head) {
      this.turned.remove(this.head.object);
      this.head.dispose();
    }
    this.head = head;
    this.turned.add(head.object);
    this.#act();
    this.invalidate(true);
  }

  setFace(aus, blink = 0) {
    this.aus = aus;
    this.blink = blink;
    this.#act();
    this.invalidate();
  }

  setPose(yaw, pitch, roll = 0) {
    this.pose = { yaw, pitch, roll };
    this.invalidate(true);
  }

  setHeat(on, most) {
    this.shared.heatOn.value = on ? 1 : 0;
    this.shared.heatMost.value = most;
    this.#act();
    this.invalidate(true);
  }

  setCompare(on) {
    this.compare = on;
    this.invalidate(true);
  }

  /** Draw before the browser paints next; `everything`: the face at rest, too. */
  invalidate(everything = false) {
    this.restStale ||= everything;
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.draw();
    });
  }

  draw() {
    if (!this.head || !this.pivot || !this.canvas.width) return;
    const started = performance.now();
    const { yaw, pitch, roll } = this.pose;
    const radians = THREE.MathUtils.degToRad;
    this.turned.rotation.set(-radians(pitch), radians(yaw), radians(roll));
    this.turned.position.copy(this.pivot).sub(this.pivot.clone().applyEuler(this.turned.rotation)).add(this.offset);
    if (this.compare && this.restStale) this.#drawRest();
    this.renderer.render(this.scene, this.camera);
    this.restStale = false;
    this.frames += 1;
    this.frameMs = performance.now() - started;
    this.afterFrame();
  }

  #drawRest() {
    const heat = this.shared.heatOn.value;
    this.shared.heatOn.value = 0;
    this.head.act({});
    this.renderer.render(this.scene, this.camera);
    this.head.act(this.aus, this.blink);
    this.shared.heatOn.value = heat;
    const { width, height } = this.canvas;
    Object.assign(this.restCanvas, { width, height });
    this.restCanvas.getContext("2d").drawImage(this.canvas, 0, 0);
  }

  #act() {
    if (!this.head) return;
    this.head.act(this.aus, this.blink);
    this.mostMm = this.shared.heatOn.value ? this.head.heat(this.aus, this.blink) : 0;
  }

  #surroundings({ rows, columns, rgb }) {
    const data = new Float32Array(4 * rows * columns).fill(1);
    for (let i = 0; i < rows * columns; i++) data.set(rgb.slice(3 * i, 3 * i + 3), 4 * i);
    const picture = new THREE.DataTexture(data, columns, rows, THREE.RGBAFormat, THREE.FloatType);
    picture.mapping = THREE.EquirectangularReflectionMapping;
    picture.needsUpdate = true;
    const { texture } = this.pmrem.fromEquirectangular(picture);
    picture.dispose();
    return texture;
  }

  #fit() {
    const side = Math.max(1, Math.round(this.canvas.clientWidth * Math.min(devicePixelRatio, 2)));
    this.renderer.setSize(side, side, false);
    this.invalidate(true);
  }
}
