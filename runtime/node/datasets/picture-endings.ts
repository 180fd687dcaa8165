/** Whether a file is taken for a picture that can be decoded, by its name. */
export const hasPictureEnding = (name: string): boolean => /\.(png|jpe?g|jpe|jfif|webp|avif|gif|tiff?)$/i.test(name);

/** As messages list them. */
export const pictureEndings = '.jpg, .png, .webp, .avif, .gif or .tif';

/** Endings of pictures of other formats. */
export const foreignPicture =
  /\.(bmp|dib|heic|heif|ppm|pgm|pbm|pnm|jp2|j2k|jxl|ico|svg|psd|exr|raw|dng|cr2|nef|arw|tga)$/i;
