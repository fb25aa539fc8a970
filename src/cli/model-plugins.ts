/** Where commands find the model formats of packages. */
export interface PluginOptions {
  /** As a worker's `plugin.path`. */
  readonly pluginPath?: string
  /** The folders of packages, where they are known. */
  readonly pluginPackage?: readonly string[]
}

/** Loads packages as a worker does. What cannot be loaded is told, and hurts no model that does not need it. */
export async function loadModelPlugins({ pluginPath, pluginPackage }: PluginOptions): Promise<void> {
  const [{ findPackages }, path] = await Promise.all([
    import('../runtime/plugins/find-packages.ts'),
    import('node:path'),
  ])
  const leftOut: string[] = []
  const tell = ({ folder, reason }: { readonly folder: string; readonly reason: string }): void =>
    void leftOut.push(`a plugin is left out: ${folder}: ${reason}\n`)
  const written = pluginPath ?? process.env['CONNECT_PLUGIN_PATH'] ?? ''
  const folders = written.split(',').map((folder) => folder.trim())
  const named = folders.filter((folder) => folder !== '').map((folder) => path.resolve(folder))
  const packages = pluginPackage ?? findPackages(named, process.cwd(), tell)
  if (packages.length > 0) {
    const { loadPackages } = await import('../runtime/plugins/plugin-packages.ts')
    await loadPackages(packages, tell)
  }
  process.stderr.write(leftOut.join(''))
}
