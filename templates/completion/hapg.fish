# Completion of hapg for fish. "hapg __complete" knows the words; this hands them over.
function __hapg_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l word (commandline -ct)
    set -l before (string match -r -- '^-[^=]*=' $word)
    for line in ($program __complete $words $word 2>/dev/null)
        switch $line
            case ':files'
                string replace -r -- '^' "$before" (__fish_complete_path (string replace -r -- '^-[^=]*=' '' $word))
            case ':directories'
                string replace -r -- '^' "$before" (__fish_complete_directories (string replace -r -- '^-[^=]*=' '' $word))
            case '*'
                echo $line
        end
    end
end
complete -c hapg -f -a '(__hapg_complete)'
