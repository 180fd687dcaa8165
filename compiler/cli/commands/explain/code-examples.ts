/** A wrong and a right program for every code of `cnnc explain` that one source file can cause. */

export interface CodeExample {
  /** Causes this code and no other. */
  readonly wrong: string;
  /** Free of errors and warnings. */
  readonly right: string;
}

export const codeExamples: Readonly<Record<string, CodeExample>> = {
  E0101: {
    wrong: `const height = 16 ^ 2
`,
    right: `const height = 16 * 16
`,
  },
  E0102: {
    wrong: `import { conv_bn_act } from "std/vision

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
    right: `import { conv_bn_act } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
  },
  E0103: {
    wrong: `const path = "runs\\best"
`,
    right: `const path = "runs/best"
`,
  },
  E0104: {
    wrong: `const size = 1__000
`,
    right: `const size = 1_000
`,
  },
  E0105: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

budget for Net { latency(p50) <= 2msec }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

budget for Net { latency(p50) <= 2ms }
`,
  },
  E0107: {
    wrong: `const deep = ${'('.repeat(101)}1${')'.repeat(101)}
`,
    right: `const inner = (1 + 2) * 3
const deep = (inner + 4) * 5
`,
  },
  E0110: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  let 3 = image
  return image
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let rows = image
  return rows
}
`,
  },
  E0111: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3 |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3) |> relu
}
`,
  },
  E0112: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3)) |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3) |> relu
}
`,
  },
  E0113: {
    wrong: `const width =
const height = 3
`,
    right: `const width = 16
const height = 3
`,
  },
  E0114: {
    wrong: `model Net(image: f32[N, 3, 32, 32], depth: int = 1) {
  return if depth = 1 then image else image |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32], depth: int = 1) {
  return if depth == 1 then image else image |> relu
}
`,
  },
  E0115: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> block: conv(16, k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> "block": conv(16, k=3)
}
`,
  },
  E0116: {
    wrong: `modle Net(image: f32[N, 3, 32, 32]) {
  return image |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> relu
}
`,
  },
  E0117: {
    wrong: `model Net(image: f32[N, 3, 32, 32], classes = 10) {
  return image |> flatten |> linear(classes)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32], classes: int = 10) {
  return image |> flatten |> linear(classes)
}
`,
  },
  E0118: {
    wrong: `model Net(image: f32[N, 3, 32, 32], depth: int = 20) {
  assert 8 <= depth <= 56
  return image |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32], depth: int = 20) {
  assert 8 <= depth && depth <= 56
  return image |> relu
}
`,
  },
  E0119: {
    wrong: `model Net(image: f32[N, 3, 32, 32], deep: bool = true) {
  let y = if deep then image |> relu
  return y
}
`,
    right: `model Net(image: f32[N, 3, 32, 32], deep: bool = true) {
  let y = if deep then image |> relu else image
  return y
}
`,
  },
  E0201: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> konv(16, k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3)
}
`,
  },
  E0202: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  let y = image |> relu
  let y = y |> tanh
  return y
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let y = image |> relu
  let z = y |> tanh
  return z
}
`,
  },
  E0205: {
    wrong: `const width = 16

model Net(image: f32[N, 3, 32, 32]) {
  let width = image |> relu
  return width
}
`,
    right: `const width = 16

model Net(image: f32[N, 3, 32, 32]) {
  let y = image |> conv(width, k=3)
  return y
}
`,
  },
  E0206: {
    wrong: `model Net(image: float32[N, 3, 32, 32]) {
  return image |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> relu
}
`,
  },
  E0207: {
    wrong: `const width = height * 2
const height = width / 2
`,
    right: `const width = 32
const height = width / 2
`,
  },
  E0301: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> conv(16, k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3) |> flatten
}
`,
  },
  E0304: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3, groups=2)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(15, k=3, groups=3)
}
`,
  },
  E0305: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  let wide = image |> conv(16, k=3)
  return image + wide
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let wide = image |> conv(16, k=3)
  let skip = image |> conv(16, k=1)
  return skip + wide
}
`,
  },
  E0306: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> max_pool(k=40)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> max_pool(k=4)
}
`,
  },
  E0307: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> softmax(axis=4)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> softmax(axis=1)
}
`,
  },
  E0308: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> reshape(N, 1000)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> reshape(N, 3 * 32 * 32)
}
`,
  },
  E0309: {
    wrong: `model Net(image: f32[N, 3, H, W]) {
  return image |> conv(H / 2, k=1)
}
`,
    right: `model Net(image: f32[N, 3, H, W]) {
  return image |> conv(16, k=1)
}
`,
  },
  E0310: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> dropout(1.5)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> dropout(0.5)
}
`,
  },
  E0311: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(7 / 2, k=1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(7 // 2, k=1)
}
`,
  },
  E0312: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  let half = image |> max_pool(k=2)
  return concat(image, half)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let half = image |> conv(3, k=3)
  return concat(image, half)
}
`,
  },
  E0313: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return slice(image, axis=1, from=2, to=5)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return slice(image, axis=1, from=1, to=3)
}
`,
  },
  E0320: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv("16", k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3)
}
`,
  },
  E0321: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image % 2
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image * 2
}
`,
  },
  E0322: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3, strides=2)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3, stride=2)
}
`,
  },
  E0323: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3)
}
`,
  },
  E0324: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> relu(6)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> relu6
}
`,
  },
  E0325: {
    wrong: `block merge(x: f32[N, C, H, W], skip: f32[N, C, H, W]) -> f32[N, C, H, W] {
  return x + skip
}

model Net(image: f32[N, 3, 32, 32]) {
  let small = image |> max_pool(k=2)
  return merge(image, small)
}
`,
    right: `block merge(x: f32[N, C, H, W], skip: f32[N, C, H, W]) -> f32[N, C, H, W] {
  return x + skip
}

model Net(image: f32[N, 3, 32, 32]) {
  let smooth = image |> avg_pool(k=3, stride=1, pad=1)
  return merge(image, smooth)
}
`,
  },
  E0326: {
    wrong: `block unit(x: f32[N, C, H, W], out: int, stride: int = 1) -> f32[N, out, H / stride, W / stride] {
  return x |> conv(out, k=3)
}

model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem: unit(16) |> body: unit(32, stride=2)
}
`,
    right: `block unit(x: f32[N, C, H, W], out: int, stride: int = 1) -> f32[N, out, H / stride, W / stride] {
  return x |> conv(out, k=3, stride=stride)
}

model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem: unit(16) |> body: unit(32, stride=2)
}
`,
  },
  E0327: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  const width = 16
  return image |> width
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  const width = 16
  return image |> conv(width, k=3)
}
`,
  },
  E0328: {
    wrong: `block unit(x: f32[N, C, H, W]) {
  let _y = x |> relu
}

model Net(image: f32[N, 3, 32, 32]) {
  return image |> unit
}
`,
    right: `block unit(x: f32[N, C, H, W]) {
  let y = x |> relu
  return y
}

model Net(image: f32[N, 3, 32, 32]) {
  return image |> unit
}
`,
  },
  E0329: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  const widths = [16, 32]
  return image |> conv(widths[2], k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  const widths = [16, 32]
  return image |> conv(widths[1], k=3)
}
`,
  },
  E0331: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=2)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=2, stride=2, pad=0)
}
`,
  },
  E0332: {
    wrong: `model Net(image: f32[N, 4, 32, 32]) {
  let (left, right) = split(image, parts=4)
  return left + right
}
`,
    right: `model Net(image: f32[N, 4, 32, 32]) {
  let (left, right) = split(image, parts=2)
  return left + right
}
`,
  },
  E0333: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16 // 0, k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16 // 2, k=3)
}
`,
  },
  E0334: {
    wrong: `block unit(x: f32[N, C, H, W]) {
  return x |> unit
}

model Net(image: f32[N, 3, 32, 32]) {
  return image |> unit
}
`,
    right: `block unit(x: f32[N, C, H, W], depth: int) {
  return if depth == 0 then x else x |> relu |> unit(depth - 1)
}

model Net(image: f32[N, 3, 32, 32]) {
  return image |> unit(3)
}
`,
  },
  E0336: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  let (a, b) = split(image, parts=2)
  return a + b
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let (a, b) = split(image, sizes=[1, 2])
  return concat(b, a)
}
`,
  },
  E0411: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem: conv(3, k=3) |> stem: conv(3, k=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem: conv(3, k=3) |> body: conv(3, k=3)
}
`,
  },
  E0412: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3) |> bn |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem: conv(16, k=3) |> norm: bn |> relu
}
`,
  },
  E0413: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> seq {
    body: for i in 0..2 { conv(16, k=3) }
  }
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> body: seq {
    for i in 0..2 { conv(16, k=3) }
  }
}
`,
  },
  E0501: {
    wrong: `model Net(image: f32[N, 3, 32, 32], depth: int = 19) {
  assert (depth - 2) % 6 == 0, "depth must be 6n+2, got {depth}"
  return image |> relu
}
`,
    right: `model Net(image: f32[N, 3, 32, 32], depth: int = 20) {
  assert (depth - 2) % 6 == 0, "depth must be 6n+2, got {depth}"
  return image |> relu
}
`,
  },
  E0601: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

trian base for Net {
  epochs = 10
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0602: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epoch     = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0603: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0604: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=2ms)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0605: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 0
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0606: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

weights imagenet for Nett { file = "net.safetensors" }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

weights imagenet for Net { file = "net.safetensors" }
`,
  },
  E0607: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digit
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0608: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  batch     = 64
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  E0609: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

budget for Net { params <= 1M }

budget for Net { macs <= 1MMACs }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

budget for Net {
  params <= 1M
  macs   <= 1MMACs
}
`,
  },
  E0610: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

weights imagenet { file = "net.safetensors" }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

weights imagenet for Net { file = "net.safetensors" }
`,
  },
  E0611: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv1: conv(16, k=3) |> relu |> global_avg_pool |> flatten |> head: linear(10)
}

dataset shapes { format = "synthetic"  classes = 10 }

train base for Net { data = shapes  loss = cross_entropy()  optimizer = sgd(lr=0.1) }

quantize int8 for Net { from = base  calibrate { data = shapes.train } }

prune slim for Net { from = int8  target = macs(-50%) }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv1: conv(16, k=3) |> relu |> global_avg_pool |> flatten |> head: linear(10)
}

dataset shapes { format = "synthetic"  classes = 10 }

train base for Net { data = shapes  loss = cross_entropy()  optimizer = sgd(lr=0.1) }

prune slim for Net { from = base  target = macs(-50%) }

quantize int8 for Net { from = slim  calibrate { data = shapes.train } }
`,
  },
  E0701: {
    wrong: `import { conv_bn_act } from "std/visoin"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
    right: `import { conv_bn_act } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
  },
  E0702: {
    wrong: `import { stem } from "/shared/blocks"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem
}
`,
    right: `import { conv_bn_act } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
  },
  E0703: {
    wrong: `import { width } from "main"

const height = width
`,
    right: `const width = 16
const height = width
`,
  },
  E0705: {
    wrong: `import { stem } from "https://example.com/blocks"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> stem
}
`,
    right: `import { conv_bn_act } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
  },
  E0706: {
    wrong: `import { conv_bn_relu } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_relu(16)
}
`,
    right: `import { conv_bn_act } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
  },
  E0801: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

budget for Net {
  params <= 20_000
  macs   <= 1MMACs
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

budget for Net {
  params <= 31_000
  macs   <= 1MMACs
}
`,
  },
  W0001: {
    wrong: `import { conv_bn_act, squeeze_excite } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
    right: `import { conv_bn_act } from "std/vision"

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv_bn_act(16)
}
`,
  },
  W0002: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  let skip = image |> relu
  return image |> tanh
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let skip = image |> relu
  return skip |> tanh
}
`,
  },
  W0003: {
    wrong: `const width = 16

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(16, k=3)
}
`,
    right: `const width = 16

model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(width, k=3)
}
`,
  },
  W0004: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

dataset letters { format = "idx"  path = "letters" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  W0005: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> relu
  let y = image |> tanh
  return y
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  let y = image |> tanh
  return y |> relu
}
`,
  },
  W0006: {
    wrong: `model Net(image: f32[N, 3, 32, 32], width: int = 16) {
  return image |> seq {
    if width == width { conv(width, k=3) }
    relu
  }
}
`,
    right: `model Net(image: f32[N, 3, 32, 32], width: int = 16) {
  return image |> seq {
    if width > 3 { conv(width, k=3) }
    relu
  }
}
`,
  },
  W0007: {
    wrong: `block merge(x: f32[N, C, H, W], skip: f32[N, C, H, W]) {
  let y = x |> skip: conv(C, k=3)
  return y + skip
}

model Net(image: f32[N, 3, 32, 32]) {
  return merge(image, image |> relu)
}
`,
    right: `block merge(x: f32[N, C, H, W], skip: f32[N, C, H, W]) {
  let y = x |> fuse: conv(C, k=3)
  return y + skip
}

model Net(image: f32[N, 3, 32, 32]) {
  return merge(image, image |> relu)
}
`,
  },
  W0008: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
  schedule  = multi_step(at=[5epochs, 15epochs])
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
  schedule  = multi_step(at=[5epochs, 8epochs])
}
`,
  },
  W0009: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data       = digits
  epochs     = 10
  batch      = 32
  loss       = cross_entropy()
  optimizer  = sgd(lr=0.1, weight_decay=1e-4)
  regularize = weight_decay(1e-4, except=[bias])
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data       = digits
  epochs     = 10
  batch      = 32
  loss       = cross_entropy()
  optimizer  = sgd(lr=0.1)
  regularize = weight_decay(1e-4, except=[bias])
}
`,
  },
  W0010: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> head: linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data       = digits
  epochs     = 10
  batch      = 32
  loss       = cross_entropy()
  optimizer  = sgd(lr=0.1)
  regularize = weight_decay(1e-4, except=["haed.*"])
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> head: linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data       = digits
  epochs     = 10
  batch      = 32
  loss       = cross_entropy()
  optimizer  = sgd(lr=0.1)
  regularize = weight_decay(1e-4, except=["head.*"])
}
`,
  },
  W0011: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}

budget for base { val.accuracy >= 91 }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}

budget for base { val.accuracy >= 91% }
`,
  },
  W0012: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10) |> softmax
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  epochs    = 10
  batch     = 32
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
  W0013: {
    wrong: `model Net(image: f32[N, 224, 224, 3]) {
  return image |> conv(16, k=3)
}
`,
    right: `model Net(image: f32[N, 3, 224, 224]) {
  return image |> conv(16, k=3)
}
`,
  },
  W0014: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(3, 15, stride=3)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> conv(15, k=3)
}
`,
  },
  W0015: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

preprocess for Net {
  normalize(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5])
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

preprocess for Net {
  normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])
}
`,
  },
  W0016: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> linear(10)
}
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}
`,
  },
  W0017: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

preprocess for Net { resize(32px) }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

preprocess for Net { resize(32px)  center_crop(32px) }
`,
  },
  W0018: {
    wrong: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

preprocess for Net { resize(28px)  center_crop(32px) }
`,
    right: `model Net(image: f32[N, 3, 32, 32]) {
  return image |> flatten |> linear(10)
}

preprocess for Net { resize(32px)  center_crop(32px) }
`,
  },
  W0020: {
    wrong: `model Net(image: f32[N, 3, 8, 8]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  loss      = mse()
  optimizer = sgd(lr=0.1)
}
`,
    right: `model Net(image: f32[N, 3, 8, 8]) {
  return image |> flatten |> linear(10)
}

dataset digits { format = "idx"  path = "data" }

train base for Net {
  data      = digits
  loss      = cross_entropy()
  optimizer = sgd(lr=0.1)
}
`,
  },
};
