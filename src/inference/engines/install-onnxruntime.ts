/**
 * Brings the optional package onnxruntime-node where an installation went on without it. Its install script fetches GPU
 * libraries from a server of its own, and fails without that server; what Sluice uses is in the package itself.
 */
export const INSTALL_ONNXRUNTIME = 'npm install --ignore-scripts'
