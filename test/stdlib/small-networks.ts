/** Networks of the library on images small enough to interpret, by golden file. */
const wrap = (file: string, name: string, image: string, args = ''): string =>
  `import { ${name} } from "std/${file}"\nmodel M(image: f32[1, ${image}]) { return image |> ${name}${args} }`;

export const smallNetworks: readonly { readonly golden: string; readonly source: string }[] = [
  { golden: 'efficientnet_b0', source: wrap('efficientnet', 'EfficientNetB0', '3, 64, 64') },
  { golden: 'inception_v3', source: wrap('inception_v3', 'InceptionV3', '3, 75, 75') },
  { golden: 'unet', source: wrap('unet', 'UNet', '3, 32, 48') },
  { golden: 'lenet5', source: wrap('lenet', 'LeNet5', '1, 28, 28') },
  { golden: 'espnet', source: wrap('espnet', 'ESPNet', '3, 32, 48') },
  { golden: 'espnet_camvid', source: wrap('espnet', 'ESPNet', '3, 32, 48', '(join_image=true)') },
];

/** The U-Net with four maps at first. */
export const thinUnet = {
  golden: 'unet with base=4',
  source: wrap('unet', 'UNet', '3, 64, 64', '(21, 4)'),
};
