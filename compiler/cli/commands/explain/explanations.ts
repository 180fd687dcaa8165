/** Texts of `cnnc explain`: one for every family of codes, and more for codes that need it. */

/** The first prefix that fits holds. */
export const families: readonly { readonly prefix: string; readonly text: string }[] = [
  {
    prefix: 'E0001',
    text: 'The command line itself is wrong; `cnnc COMMAND --help` shows what a command takes. Exit code 2.',
  },
  {
    prefix: 'E01',
    text: 'The text does not follow the grammar. The parser goes on after such a fault, so one run reports all of them. Exit code 1.',
  },
  {
    prefix: 'E02',
    text: 'A name is unknown or used twice. A block sees its parameters, its own `let`s and the declarations of its file, never its caller. Exit code 1.',
  },
  {
    prefix: 'E03',
    text: 'Values, types or shapes do not fit. Shapes are NCHW; the notes show how the sizes came about, and `cnnc inspect FILE` lists those of every layer. Exit code 1.',
  },
  {
    prefix: 'E04',
    text: 'Parameters take their names from labels, positions in `seq` and `let` names; every path must be clear and unique. Exit code 1.',
  },
  { prefix: 'E05', text: 'An `assert` of the source does not hold for these arguments. Exit code 1.' },
  {
    prefix: 'E06',
    text: 'A directive (train, prune, weights, preprocess, budget, ...) is wrong. Its keys and units are checked before anything runs. Exit code 1.',
  },
  {
    prefix: 'E070',
    text: 'A file of the source cannot be had: imports are `std/...` or relative paths inside the project. Exit code 1.',
  },
  {
    prefix: 'E07',
    text: 'A file that a command reads or writes is missing, malformed or does not fit the model. Files are checked in full before they are used, and nothing half-written is left behind. Exit code 3.',
  },
  { prefix: 'E08', text: 'A figure misses its limit: a `budget` of the source, or --assert. Exit code 4.' },
  {
    prefix: 'E0901',
    text: 'cnnc finds no GPU adapter. `cnnc doctor` tells what there is and which commands mend what is missing. Exit code 3.',
  },
  { prefix: 'E0902', text: 'The model needs more than this device allows. Exit code 3.' },
  {
    prefix: 'E0906',
    text: 'The model takes other inputs; `cnnc inspect` shows them. Pictures of data come to the size of the input by `resize` and `center_crop` of `preprocess`, or by a crop in `augment`. Exit code 3.',
  },
  {
    prefix: 'E0907',
    text: '`cnnc compare` found a layer whose values differ by more than atol + rtol * (the largest magnitude in the tensor). Exit code 6.',
  },
  {
    prefix: 'E0908',
    text: 'The command needs a package that `npm install` leaves out where optional packages are not wanted. Exit code 3.',
  },
  {
    prefix: 'E0910',
    text: '`monitor` and `best` name a metric of the training (train.loss, train.accuracy) or of the validation split (val.loss and the metrics of the task); those of validation need `split { val = ... }` in the dataset. Exit code 1.',
  },
  {
    prefix: 'E0912',
    text: 'Pictures are decoded by the package sharp, whose compiled part for this machine is missing; `npm install --include=optional sharp` brings it. Exit code 3.',
  },
  {
    prefix: 'E0911',
    text: '`cnnc train --trace-nan` looks at loss, gradient norm and the whole state behind every step. Where a number is not finite, it puts the state back, runs the step again one kernel at a time, and names the first that gives NaN or Inf, with the ranges of what it read. The way out is a smaller learning rate, `clip`, or an op that stays in range: `log_softmax` for the log of `softmax`, `x + 1e-6` under a root or a logarithm. Exit code 5.',
  },
  {
    prefix: 'E0913',
    text: 'Code that uses cnnc called a session behind its `dispose()`, or disposed of it while a run was not done: wait for the last call first. Exit code 5.',
  },
  {
    prefix: 'E0998',
    text: '`cnnc build --verify` runs each pass of a build against the reference interpreter on random input; this pass computes something else. The message names the op and its source line. Exit code 70.',
  },
  {
    prefix: 'E0999',
    text: 'cnnc itself is at fault. Run the command again with -v and report what it prints. Exit code 70.',
  },
  { prefix: 'E09', text: 'Something failed while the model ran on the device. Exit code 5.' },
  { prefix: 'W', text: 'A warning: the model builds, but something in the source is likely a mistake.' },
];

export const explanations: Readonly<Record<string, string>> = {
  E0201:
    'Nothing of this name is in sight here. Names of other files come in with `import { name } from "std/vision"`.',
  E0205: 'A name stands for one thing. Rename the inner one; only names of the prelude, such as `exp`, may be hidden.',
  E0303: 'A weight or an operand has another number of channels than the value it is used on.',
  E0305:
    'Two operands of an elementwise op must have equal sizes on every axis, counted from the last, or one of them must be 1.',
  E0309:
    'A signature states a size that the compiler cannot derive. An `assert` on divisibility, as in `assert H % 16 == 0`, gives it the fact it needs.',
  E0311: '`/` on integers must divide exactly. `//` rounds down; `a / 1.0` is a float.',
  E0326: 'The body computes another shape than the signature promises.',
  E0340:
    'The compiler never falls back silently: an op without a kernel for the given sizes is an error of the build. `cnnc ops` lists what runs.',
  E0411:
    'Two layers would have the same state_dict path, so that a weights file could not tell them apart. Give one a label.',
  E0412:
    'A call takes the name of its statement where it is the only one with weights. Where there are several, label each: `conv1: conv(16, k=3)`.',
  E0716:
    'A checkpoint carries a checksum over all of it, and this one does not fit: it was cut off, changed, or is no checkpoint. `--resume` goes back to an older one of the run folder where there is one.',
  E0717:
    'A resumed run computes the same as one that never stopped. That is not possible where the data, the batch, the schedule, the loss, the optimizer or the network are not the same. What may change: paths, `checkpoint`, `on_nan`, and `epochs` where no schedule stretches to the end of the run.',
  E0720:
    'The weights file has no tensor of a name that the model asks for. `cnnc inspect FILE.safetensors` lists its names, and `rename = [("module.", "")]` in a weights block maps prefixes.',
  E0711:
    'A safetensors file is 8 bytes of length, a header in JSON, and numbers. What is something else, as a checkpoint of PyTorch or a page where a download failed, is named for what it is, with what to do about it.',
  E0721:
    'Every tensor of a weights file must be used. `--ignore-extra`, or `strict = false` in a weights block, passes over others; what is missing stays a fault.',
  W0720:
    'A weight is NaN or infinite, or a running variance is negative. The network gives NaN wherever such a weight is used: a training that diverged, or a file that was damaged. `--allow-non-finite` says that they are meant.',
  E0722: 'A tensor of the weights has another shape or type than the model declares.',
  E0723:
    'An output folder is replaced only where it is an artifact itself, so that no other work is lost. A run folder is never written over: `cnnc train --resume` goes on with it; and a folder that holds files and no run of cnnc is not made into one.',
  E0724:
    'A stage writes `stage.json` last, with a digest of its weights. This folder was changed, or damaged, since then, or another version of cnnc wrote it. Put the file that is named back as it was, or move the folder away and run `cnnc train` again.',
  E0725:
    'What `cnnc build FILE:STAGE` compiles is made by `cnnc train FILE:STAGE`. The stage was never run, its run is not over, or the source, the settings, the data or the stage before changed since; `cnnc plan FILE` tells which. `--weights FILE` stands for the stage before, so that quantizing runs inside of the build.',
  E0801:
    "A figure misses a line of its `budget`; the message says by how much, and which layers weigh most. `cnnc check` compares parameters and multiply-accumulates, which follow from the source alone; `cnnc build` also compares `size` (bytes of weights.safetensors) and `peak_memory` (bytes of the arena and of all weights at the budget's batch), and writes nothing where one is missed. A budget for a stage holds for what the stage makes, not for a plain build: `cnnc build FILE:STAGE` also compares accuracies that the stage measured. An artifact carries the lines of its budget; `cnnc eval` compares accuracies on the data that it is given, and `cnnc bench --assert` latencies.",
  E0909:
    'A loss, a gradient or a weight became infinite or no number, and `on_nan` allows no further rollback. Such steps are never saved: last.ckpt is from before them. Lower the learning rate, warm up, or clip gradients with `clip = norm(1.0)`.',
  E0802: 'The command measured what --assert limits, and the limit does not hold. The message has the figure.',
  W0003:
    'Nothing in this file uses the declaration. Files without a model are libraries, whose declarations serve others, and are not warned about.',
  W0004: 'The file has stages, and none of them reads this dataset.',
  W0005: 'What stands behind a `return`, or in a loop without turns, never becomes part of the model.',
  W0006:
    'The condition does not depend on any argument or size, so the `if` decides nothing. A switch is a `const` of its own: `if debug { ... }`.',
  W0007:
    'A label names weights and is no value: `skip: conv(...)` leaves what `skip` stands for as it is. To name a value, write `let`.',
  W0008:
    'The run ends before this time comes: a drop that never happens, a warm-up that fills the run, or a patience that is never used up.',
  W0009:
    'Another setting takes the effect from this one, nothing reads it beside the others, or both do the same twice.',
  W0010: 'The pattern occurs in no parameter name of the model, so it selects nothing.',
  W0011:
    'The figure cannot lie on the other side of this limit. Ratios are shares of one: `91%` is 0.91, and 91 is 9100%.',
  W0012:
    '`cross_entropy` takes logits, as torch.nn.CrossEntropyLoss does, and computes their log-softmax. A softmax in front of it flattens the gradients.',
  W0013:
    'Tensors are [N, C, H, W], as in PyTorch: axis 1 holds the channels. An input such as f32[N, 224, 224, 3] would be a picture of 224 channels and 3 columns.',
  W0014:
    'A convolution whose kernel has more than 11 pixels each way is rare, and costs its square for each output. In PyTorch `Conv2d(3, 15, 3)` begins with the channels of the input, which are not written here: `conv(15, k=3)`.',
  W0015:
    'Pictures come as numbers of 0..1, from which `normalize` subtracts its mean. Means and deviations of 0..255, as Caffe and some TensorFlow networks have them, are divided by 255 first.',
  W0016:
    '`linear` multiplies along the last axis, as torch.nn.Linear does. Behind a convolution that is the width of the picture; `flatten` makes [N, C, H, W] into [N, C * H * W], and `global_avg_pool |> flatten` into [N, C].',
  W0017:
    '`resize` with one size scales the shorter side, and the longer one alike: a picture that is not square stays so, and does not fit. Cut the middle out with `center_crop`, or give `resize` both sides, which distorts.',
  W0018:
    'A `center_crop` that is larger than the picture puts black around it, as torchvision does. Where that is meant, leave it: the artifact does the same.',
  W0019:
    'Two lines of a list of classes have the same name, as `crane` in some lists of ImageNet: the bird and the machine. Figures show both under one name, and data whose classes are listed in another order cannot be matched to them (E0714).',
  W0020:
    'Samples have the number of their class, and a loss of regression (`mse`, `l1`, `huber`) makes scores of 0 and 1 of it, one for each class; it does not regress the number itself, as torch.nn.MSELoss would. `cross_entropy` is what tells classes apart. Behind a softmax or a sigmoid, where the loss is the Brier score, nothing is said.',
};
