import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeAdapter, matchesAdapter, parseDriver } from '../../../runtime/node/device/adapter-info.ts';
import { openDevice } from '../../../runtime/node/device/device.ts';
import type { DeviceOptions, OpenedDevice } from '../../../runtime/node/device/device.ts';
import { diagnoseEnvironment } from '../../../runtime/node/device/doctor.ts';
import {
  embeddedDriverSupported,
  findPackedDriver,
  unpackDriver,
} from '../../../runtime/node/device/embedded-driver.ts';
import { suggestFixes } from '../../../runtime/node/device/suggest-fixes.ts';
import { findDrivers, searchFolders } from '../../../runtime/node/device/vulkan.ts';
import { faultOfAsync } from '../fault.ts';
import { temporaryFolder } from './temporary-folder.ts';

const packed = embeddedDriverSupported() ? findPackedDriver() : undefined;

async function open(options: DeviceOptions = {}): Promise<OpenedDevice> {
  const opened = await openDevice(options);
  onTestFinished(() => opened.close());
  return opened;
}

/** Sets a variable of the environment until the test ends. */
function setVariable(name: string, value: string | undefined): void {
  const saved = process.env[name];
  const put = (text: string | undefined) => {
    if (text === undefined) delete process.env[name];
    else process.env[name] = text;
  };
  put(value);
  onTestFinished(() => put(saved));
}

/** Squares the numbers from 0 on in a compute shader. */
async function squares(device: GPUDevice, count: number): Promise<number[]> {
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&x)) { x[id.x] = f32(id.x) * f32(id.x); }
    }`;
  const size = count * 4;
  const values = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const result = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const entries = [{ binding: 0, resource: { buffer: values } }];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(count / 64));
  pass.end();
  encoder.copyBufferToBuffer(values, 0, result, 0, size);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(GPUMapMode.READ);
  return [...new Float32Array(result.getMappedRange().slice(0))];
}

describe('openDevice', () => {
  it('opens the default adapter and computes', async () => {
    const { device, info } = await open();
    expect(await squares(device, 1000)).toEqual(Array.from({ length: 1000 }, (_, x) => x * x));
    expect(info.profile).toBe(info.isSoftware ? 'software' : 'gpu');
  });

  it.runIf(packed)('opens the embedded software adapter, says so once and leaves the environment alone', async () => {
    setVariable('VK_DRIVER_FILES', undefined);
    setVariable('VK_ICD_FILENAMES', undefined);
    const notices: string[] = [];
    const { device, info, adapter } = await open({ adapter: 'swiftshader', onNotice: (text) => notices.push(text) });
    expect(info).toMatchObject({ isSoftware: true, profile: 'software', architecture: 'swiftshader' });
    expect(info.driver.version).toMatch(/^\d+\.\d+/);
    expect(notices).toEqual([expect.stringContaining('using a software adapter: SwiftShader')]);
    expect(process.env['VK_ICD_FILENAMES']).toBeUndefined();
    expect(device.limits.maxBufferSize).toBe(adapter.limits.maxBufferSize);
    expect(device.limits.maxStorageBuffersPerShaderStage).toBe(adapter.limits.maxStorageBuffersPerShaderStage);
    for (const feature of ['subgroups', 'timestamp-query']) {
      expect(device.features.has(feature)).toBe(adapter.features.has(feature));
    }
    expect((await squares(device, 100)).at(-1)).toBe(9801);
  });

  it.each([true, false])('computes the same with trusted = %s', async (trusted) => {
    const { device } = await open({ trusted });
    expect((await squares(device, 70)).at(-1)).toBe(69 * 69);
  });

  it('finds an adapter by a part of its name in any case', async () => {
    const { info } = await open();
    const named = await open({ adapter: (info.vendor || info.description).toUpperCase() });
    expect(matchesAdapter(named.info, info.vendor)).toBe(true);
  });

  it('lists what there is where no adapter has the name', async () => {
    const fault = await faultOfAsync(() => openDevice({ adapter: 'voodoo2' }));
    expect(fault).toMatch(/^E0901: no adapter is called 'voodoo2'; there /);
    if (packed) expect(fault).toContain('embedded SwiftShader');
  });

  it('does not replace a driver that the user chose and that does not work', async () => {
    setVariable('VK_DRIVER_FILES', undefined);
    setVariable('VK_ICD_FILENAMES', '/nonexistent/icd.json');
    if (process.platform !== 'linux') return;
    expect(await faultOfAsync(() => openDevice())).toBe(
      'E0901: no adapter came of VK_ICD_FILENAMES=/nonexistent/icd.json',
    );
  });

  it('names every limit and feature that is lacking', async () => {
    const requiredLimits = { maxBufferSize: 2 ** 52, maxFlux: 1 };
    const fault = await faultOfAsync(() => openDevice({ requiredLimits, requiredFeatures: ['teleport'] }));
    expect(fault).toMatch(/^E0902: .*maxBufferSize is \d+ and must be 4503599627370496.*maxFlux.*no teleport$/);
    const { adapter } = await open();
    const alignment = adapter.limits.minStorageBufferOffsetAlignment;
    await open({ requiredLimits: { minStorageBufferOffsetAlignment: alignment } });
    expect(
      await faultOfAsync(() => openDevice({ requiredLimits: { minStorageBufferOffsetAlignment: alignment / 2 } })),
    ).toMatch(/^E0902/);
  });

  it('tells of a lost device, but not of a closed one', async () => {
    const lost: string[] = [];
    const onLost = (fault: Error) => lost.push(fault.message);
    const closed = await openDevice({ onLost });
    closed.close();
    closed.close();
    expect((await closed.device.lost).reason).toBe('destroyed');
    const other = await openDevice({ onLost });
    other.device.destroy();
    await other.device.lost;
    await Promise.resolve();
    expect(lost).toEqual([expect.stringContaining('was lost (destroyed)')]);
  });

  it('lets Node exit by itself, closed or not', () => {
    const entry = join(import.meta.dirname, '../../../runtime/node/device/device.ts');
    const vite = import.meta.resolve('vite');
    for (const end of ['opened.close();', 'globalThis.kept = opened;']) {
      const script = `import { createServer } from ${JSON.stringify(vite)};
        const options = { middlewareMode: true, ws: false };
        const server = await createServer({ configFile: false, logLevel: 'error', server: options });
        const { openDevice } = await server.ssrLoadModule(${JSON.stringify(entry)});
        const opened = await openDevice();
        opened.device.createBuffer({ size: 64, usage: GPUBufferUsage.STORAGE });
        ${end}
        await server.close();
        console.log('done');`;
      const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        timeout: 600_000,
        encoding: 'utf8',
      });
      expect([status, stdout.trim()]).toEqual([0, 'done']);
    }
  });
});

describe.runIf(packed)('unpackDriver', () => {
  it('unpacks once, into the cache folder, and repairs a folder with missing files', () => {
    const cache = temporaryFolder();
    setVariable('XDG_CACHE_HOME', cache);
    const first = unpackDriver(packed ?? '');
    expect(first.icd.startsWith(cache)).toBe(true);
    expect(readdirSync(first.folder).sort()).toEqual([
      'libvk_swiftshader.so',
      'libvulkan.so.1',
      'vk_swiftshader_icd.json',
    ]);
    writeFileSync(join(first.folder, 'marker'), '');
    expect(existsSync(join(unpackDriver(packed ?? '').folder, 'marker'))).toBe(true);
    const broken = spawnSync('rm', [first.loader]);
    expect(broken.status).toBe(0);
    expect(existsSync(unpackDriver(packed ?? '').loader)).toBe(true);
    expect(readdirSync(join(cache, 'cnnc')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('does not use a cache folder that others can write to', () => {
    const cache = temporaryFolder({ 'cnnc/x': '' });
    spawnSync('chmod', ['777', join(cache, 'cnnc')]);
    setVariable('XDG_CACHE_HOME', cache);
    const temporary = temporaryFolder();
    setVariable('TMPDIR', temporary);
    expect(unpackDriver(packed ?? '').folder.startsWith(temporary)).toBe(true);
  });
});

describe('adapter names', () => {
  it.each([
    ['SwiftShader driver 5.0.0', 'SwiftShader driver', '5.0.0'],
    ['llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1', 'llvmpipe: Mesa', '25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1'],
    ['NVIDIA: 550.54.15 550.216.960.0', 'NVIDIA', '550.54.15 550.216.960.0'],
    ['Metal driver on macOS Version 14.4 (Build 23E214)', 'Metal driver on macOS Version', '14.4 (Build 23E214)'],
    ['', '', ''],
  ])('splits %j', (description, name, version) => {
    expect(parseDriver(description)).toEqual({ name, version });
  });

  it.each([
    ['mesa', 'software', 'llvmpipe: Mesa 25.0.7', false, true],
    ['google', 'swiftshader', 'SwiftShader driver 5.0.0', false, true],
    ['microsoft', '', 'Microsoft Basic Render Driver', false, true],
    ['nvidia', 'hopper', 'NVIDIA: 550.54.15', false, false],
    ['nvidia', 'hopper', 'NVIDIA: 550.54.15', true, true],
    ['apple', 'metal-3', 'Metal driver on macOS', false, false],
  ])('tells software from GPU: %s %s', (vendor, architecture, description, isFallbackAdapter, isSoftware) => {
    const info = { vendor, architecture, device: '', description, isFallbackAdapter } as GPUAdapterInfo;
    expect(describeAdapter(info)).toMatchObject({ isSoftware, profile: isSoftware ? 'software' : 'gpu' });
  });
});

describe('diagnoseEnvironment', () => {
  it('reports what openDevice would use', async () => {
    const report = await diagnoseEnvironment();
    const { info } = await open();
    expect(report.usable).toBe(true);
    expect(report.webgpu).toEqual({ version: '0.6.2', fault: undefined });
    expect(report.node.version).toBe(process.version);
    const all = [...report.adapters, ...(report.software.adapter ? [report.software.adapter] : [])];
    const found = all.find((adapter) => adapter.info.description === info.description);
    expect(found?.limits['maxBufferSize']).toBeGreaterThanOrEqual(2 ** 28);
    expect(found?.features).toContain('core-features-and-limits');
    if (packed)
      expect(report.software).toMatchObject({
        state: 'ready',
        package: '147.0.0',
        koffi: expect.stringMatching(/^3\./),
      });
  });

  it('finds drivers by the rules of the loader, and broken ones', () => {
    const folder = temporaryFolder({
      'vulkan/icd.d/a.json': '{"ICD": {"library_path": "./lib.so"}}',
      'vulkan/icd.d/b.json': '{"ICD": {"library_path": "libplain.so"}}',
      'vulkan/icd.d/c.json': 'no json',
      'vulkan/icd.d/lib.so': '',
      'vulkan/icd.d/notes.txt': '',
    });
    setVariable('VK_DRIVER_FILES', undefined);
    setVariable('VK_ICD_FILENAMES', undefined);
    setVariable('XDG_DATA_HOME', folder);
    expect(searchFolders()).toContain(join(folder, 'vulkan/icd.d'));
    const ours = findDrivers().filter(({ path }) => path.startsWith(folder));
    expect(ours.map(({ library, found }) => [library, found])).toEqual([
      ['./lib.so', true],
      ['libplain.so', undefined],
      [undefined, false],
    ]);
    setVariable('VK_ICD_FILENAMES', join(folder, 'vulkan/icd.d/b.json'));
    expect(findDrivers().map(({ library }) => library)).toEqual(['libplain.so']);
  });

  it('suggests what mends each problem', async () => {
    const report = await diagnoseEnvironment();
    const bare = { ...report, platform: 'linux-x64', adapters: [], hardware: [] };
    const problems = (changes: object) =>
      suggestFixes({ ...bare, ...changes })
        .map(({ problem, commands }) => `${problem}: ${commands.join('; ')}`)
        .join('\n');
    expect(problems({ node: { version: 'v18.0.0', supported: false } })).toContain('Node v18.0.0 is older than 20.19');
    expect(problems({ hardware: ['NVIDIA'] })).toContain('NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics');
    expect(problems({ hardware: ['AMD'] })).toContain('apt install libvulkan1 mesa-vulkan-drivers');
    expect(problems({ webgpu: { version: undefined, fault: undefined } })).toContain(
      'the package webgpu is missing: npm install',
    );
    expect(problems({ software: { ...report.software, state: 'not installed' } })).toContain(
      'npm install --include=optional',
    );
    const drivers = [{ path: '/x.json', library: '/lib.so', found: false }];
    expect(problems({ vulkan: { loader: undefined, drivers, variables: { VK_ICD_FILENAMES: '/x.json' } } })).toMatch(
      /names \/lib\.so, which does not exist: unset VK_ICD_FILENAMES\n.*libvulkan1/,
    );
  });
});
