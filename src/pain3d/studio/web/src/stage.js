// The stage: camera, lamp and wall as the renderer has them, and a head before them. Draws only when something changed.
import * as THREE from "three";
import { sharedUniforms } from "./shading.js";

const FAR_M = 2;
const QUICK_SHARE = 0.5;
/** After which a head that stands still is drawn once more, in full size. */
const STILL_MS = 700;

/** Whether this browser draws without a graphics card, which is some twenty times slower. */
function drawsInSoftware(gl) {
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  const name = told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "";
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

export class Stage {
  /** @param fine draw everything, however long it takes */
  constructor(canvas, restCanvas, fine) {
    this.canvas = canvas;
    this.restCanvas = restCanvas;
    const probe = document.createElement("canvas").getContext("webgl2");
    if (!probe) throw new Error("this browser has no WebGL 2, so that the live head cannot be drawn; rendered pictures can");
    this.quick = !fine && drawsInSoftware(probe);
    probe.getExtension("WEBGL_lose_context")?.loseContext();
    // no alpha: soft edges of hair would let the page shine through
    const context = canvas.getContext("webgl2", { alpha: false, antialias: !this.quick, preserveDrawingBuffer: true });
    this.renderer = new THREE.WebGLRenderer({ canvas, context });
    this.renderer.toneMapping = THREE.CustomToneMapping;
    this.renderer.shadowMap.enabled = !this.quick;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(19, 1, 0.2, FAR_M);
    this.turned = new THREE.Group();
    this.turned.rotation.order = "ZXY";
    this.lamp = new THREE.DirectionalLight(0xffffff, Math.PI);
    this.lamp.castShadow = !this.quick;
    this.lamp.shadow.mapSize.set(1024, 1024);
    Object.assign(this.lamp.shadow.camera, { left: -0.19, right: 0.19, top: 0.19, bottom: -0.21, near: 0.2, far: 1.4 });
    this.lamp.shadow.bias = -0.0006;
    this.lamp.shadow.normalBias = 0.002;
    this.scene.add(this.turned, this.lamp, this.lamp.target);
    this.shared = sharedUniforms();
    this.around = new THREE.LightProbe(); // in quick drawing, in place of the surroundings' mirror
    if (this.quick) this.scene.add(this.around);
    else this.pmrem = new THREE.PMREMGenerator(this.renderer);
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
    if (this.quick) {
      this.around.sh = harmonics(light.surroundings);
    } else {
      this.scene.environment?.dispose();
      this.scene.environment = this.#mirror(light.surroundings);
    }
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
    this.canvas.classList.add("ready");
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
    clearTimeout(this.still);
    requestAnimationFrame(() => {
      this.#waiting = false;
      if (this.quick) {
        this.#resize(QUICK_SHARE);
        this.still = setTimeout(() => this.#drawStill(), STILL_MS);
      }
      this.draw();
    });
  }

  #drawStill() {
    this.#resize(1);
    this.restStale = true;
    this.draw();
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

  #mirror({ rows, columns, rgb }) {
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
    if (!this.quick) this.#resize(Math.min(devicePixelRatio, 2));
    this.invalidate(true);
  }

  /** @param share pixels drawn for each pixel of the page */
  #resize(share) {
    const side = Math.max(1, Math.round(this.canvas.clientWidth * share));
    if (this.canvas.width !== side) this.renderer.setSize(side, side, false);
  }
}

/** Spherical harmonics of an equirectangular picture whose row 0 is straight down. */
function harmonics({ rows, columns, rgb }) {
  const sh = new THREE.SphericalHarmonics3();
  const basis = new Array(9);
  const direction = new THREE.Vector3();
  for (let row = 0; row < rows; row++) {
    const lift = Math.PI * ((row + 0.5) / rows - 0.5);
    const area = (Math.PI / rows) * ((2 * Math.PI) / columns) * Math.cos(lift);
    for (let column = 0; column < columns; column++) {
      const turn = 2 * Math.PI * ((column + 0.5) / columns - 0.5);
      direction.set(Math.cos(lift) * Math.cos(turn), Math.sin(lift), Math.cos(lift) * Math.sin(turn));
      THREE.SphericalHarmonics3.getBasisAt(direction, basis);
      const at = 3 * (row * columns + column);
      for (let i = 0; i < 9; i++) {
        const share = basis[i] * area;
        sh.coefficients[i].x += share * rgb[at];
        sh.coefficients[i].y += share * rgb[at + 1];
        sh.coefficients[i].z += share * rgb[at + 2];
      }
    }
  }
  return sh;
}
