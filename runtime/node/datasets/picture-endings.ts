/** Endings of the pictures that can be decoded. */
export const pictureEnding = /\.(png|jpe?g)$/i;

/** As messages list them. */
export const pictureEndings = '.png or .jpg';

/** Endings of pictures of other formats. */
export const foreignPicture = /\.(bmp|webp|gif|tiff?|avif|heic|heif|ppm|pgm|pnm|jp2|jxl|ico|svg|raw|dng|cr2|nef|tga)$/i;
