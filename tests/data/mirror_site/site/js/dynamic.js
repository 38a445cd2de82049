import { colour } from './lib.js'; export const dynamic = colour && '#facade';
