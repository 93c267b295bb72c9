/** Icons of 16 by 16, as paths. Each stands beside words, or has a label of its own. */
const PATHS = {
  held: 'M5 7V5a3 3 0 0 1 6 0v2M3.5 7h9v6.5h-9zM8 9.5v1.5',
  free: 'M5 7V5a3 3 0 0 1 5.6-1.5M3.5 7h9v6.5h-9z',
  closed: 'M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11M8 5v3.3l2.2 1.3',
  paused: 'M5.5 3.5v9M10.5 3.5v9',
  reserved: 'M4 2.5h8v11L8 10.5L4 13.5z',
  left: 'M8 2.5L14 13H2zM8 6.5v3M8 11.2v.3',
  data: 'M3 4.5c0-1 2.2-2 5-2s5 1 5 2v7c0 1-2.2 2-5 2s-5-1-5-2zM3 4.5c0 1 2.2 2 5 2s5-1 5-2',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9M10.4 10.4L14 14',
  open: 'M6 4l4 4l-4 4',
  crown: 'M2.5 12.5h11M3 10.5L2.5 4.5L5.5 7L8 3l2.5 4l3-2.5l-.5 6z',
  cross: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.2 3.2L13 5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
