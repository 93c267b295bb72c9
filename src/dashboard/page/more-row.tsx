/** The last row of a table that doesn't show all: how many more there are. */
export function MoreRow({ more, columns }: { more: number; columns: number }) {
  if (more <= 0) return null
  return (
    <tr>
      <td colSpan={columns} class="none">
        and {more.toLocaleString('en')} more
      </td>
    </tr>
  )
}
