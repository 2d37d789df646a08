// The Khronos validator's word on .glb files: node validate.mjs FILE... prints one JSON array.
import { readFileSync } from "node:fs";
import validator from "gltf-validator";

const reports = [];
for (const file of process.argv.slice(2)) {
  const { issues, info } = await validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 20 });
  reports.push({ file, errors: issues.numErrors, warnings: issues.numWarnings, messages: issues.messages, triangles: info.totalTriangleCount });
}
console.log(JSON.stringify(reports));
