// The packages of this repository are TypeScript. An application has them in JavaScript, and needs no such option.
export default { transpilePackages: ["@effect-spotnana/core", "@effect-spotnana/engine"] }
