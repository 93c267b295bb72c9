/** For fish 3.0 or newer. */
export const FISH = String.raw`# fish completion for consul-locker: consul-locker completion fish

function __consul_locker_candidates
    set -l current (commandline -ct)
    set -l words (commandline -opc) "$current"
    set -l lines (command consul-locker completion candidates -- $words[2..-1] 2>/dev/null)
    or return

    if string match -q 'command *' -- $lines[1]
        set -l at (math (string replace 'command ' '' -- $lines[1]) + 2)
        set -l before
        if test $at -lt (count $words)
            set before (string escape -- $words[$at..-2])
        end
        complete -C (string join ' ' -- $before "$current")
        return
    end

    if test (count $lines) -gt 1
        string join \n -- $lines[2..-1]
    end
    set -l kept (string match -r -- '^--[^=]*=' "$current")
    or set kept ''
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    switch $lines[1]
        case files
            for path in (__fish_complete_path "$value")
                echo $kept$path
            end
        case folders
            for path in (__fish_complete_directories "$value")
                echo $kept$path
            end
    end
end

complete -c consul-locker -f -a '(__consul_locker_candidates)'
`.replaceAll('\\$', '$')
