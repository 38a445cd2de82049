export const colour = '#c0ffee';
