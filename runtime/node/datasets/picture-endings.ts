/** Whether a file is taken for a picture that can be decoded, by its name. */
export const hasPictureEnding = (name: string): boolean => /\.(png|jpe?g)$/i.test(name);

/** As messages list them. */
export const pictureEndings = '.png or .jpg';

/** Endings of pictures of other formats. */
export const foreignPicture = /\.(bmp|webp|gif|tiff?|avif|heic|heif|ppm|pgm|pnm|jp2|jxl|ico|svg|raw|dng|cr2|nef|tga)$/i;
