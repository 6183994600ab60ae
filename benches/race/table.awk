# The race's samples as a table: medians, ratios of neighbours in time, targets and verdicts.
#
#   awk -F "\t" -f table.awk -v tsv=FILE TARGETS SAMPLES
#
# TARGETS: "target|corpus|label|measure|at most" and "live|corpus|flows". SAMPLES, separated by
# tabs: round, corpus, label, CPU s, wall s, peak KiB, exit. Exits with 1 when a target is missed.

BEGIN {
    # A machine that others use as well is not measured more finely than this.
    tolerance = 1.1
    # Below this, the program itself outweighs its flows.
    live_least = 500000
    no_flows["P"]; no_flows["cat"]; no_flows["tcpdump"]
}

FNR == NR {
    split($0, part, "|")
    if (part[1] == "live")
        live[part[2]] = part[3]
    else {
        targets++
        target[targets] = part[2] "|" part[3]
        measure[targets] = part[4]
        at_most[targets] = part[5]
    }
    next
}

{
    row = $2 "|" $3
    if (!(row in runs)) { rows[++row_count] = row; corpus_of[row] = $2; label_of[row] = $3 }
    runs[row]++
    round_of[row, runs[row]] = $1
    cpu[row, $1] = $4; wall[row, $1] = $5; peak[row, $1] = $6
    if ($7 != 0) failed[row] = $7
}

END {
    line("corpus", "command", "CPU s", "P", "wall s", "peak MiB", "B/flow", "target", "verdict")
    print "corpus\tcommand\tcpu_s\tratio\twall_s\tpeak_mib\tbytes_per_live_flow\ttarget\tverdict" > tsv
    for (number = 1; number <= row_count; number++) show(rows[number])
    for (number = 1; number <= targets; number++) {
        if (target[number] in runs) continue
        split(target[number], part, "|")
        write(part[1], part[2], "-", "-", "-", "-", "-", words(number), "not run")
        missed = 1
    }
    exit missed
}

function show(row,   corpus, bytes, number, text, verdict, value) {
    corpus = corpus_of[row]
    bytes = "-"
    if (live[corpus] + 0 >= live_least && !(label_of[row] in no_flows))
        bytes = sprintf("%.0f", median(row, "peak") * 1024 / live[corpus])
    for (number = 1; number <= targets; number++) {
        if (target[number] != row) continue
        if (measure[number] == "P") value = median(row, "ratio")
        else if (measure[number] == "B") value = bytes == "-" ? 0 : bytes
        else value = median(row, measure[number] "_of_one")
        text = text (text == "" ? "" : ", ") words(number)
        verdict = verdict (verdict == "" ? "" : ", ") judge(value, at_most[number], row)
    }
    if (verdict == "" && row in failed) verdict = "exit " failed[row]
    write(corpus, label_of[row], sprintf("%.2f", median(row, "cpu")), \
        sprintf("%.2f", median(row, "ratio")), sprintf("%.2f", median(row, "wall")), \
        sprintf("%.1f", median(row, "peak") / 1024), bytes, text == "" ? "-" : text, \
        verdict == "" ? "-" : verdict)
}

function words(number) {
    if (measure[number] == "P") return "<= " at_most[number] " P"
    if (measure[number] == "B") return "<= " at_most[number] " B/flow"
    return measure[number] " <= " at_most[number] " of one"
}

function judge(value, limit, row) {
    if (row in failed) { missed = 1; return "exit " failed[row] }
    if (value <= 0) return "too small to say"
    if (value <= limit + 0) return "met"
    if (value <= limit * tolerance) return sprintf("within 10 %% (%.2f)", value)
    missed = 1
    return sprintf("missed (%.2f)", value)
}

# Of all rounds: of one column, or of its ratio to another command in the same round.
function median(row, what,   count, i, j, round, values, swap, other) {
    count = 0
    for (i = 1; i <= runs[row]; i++) {
        round = round_of[row, i]
        if (what == "cpu") values[++count] = cpu[row, round]
        else if (what == "wall") values[++count] = wall[row, round]
        else if (what == "peak") values[++count] = peak[row, round]
        else if (what == "ratio")
            values[++count] = quotient(cpu[row, round], cpu[corpus_of[row] "|P", round])
        else {
            other = corpus_of[row] "|analyze"
            values[++count] = what == "wall_of_one" \
                ? quotient(wall[row, round], wall[other, round]) \
                : quotient(cpu[row, round], cpu[other, round])
        }
    }
    for (i = 1; i <= count; i++)
        for (j = i + 1; j <= count; j++)
            if (values[j] + 0 < values[i] + 0) { swap = values[i]; values[i] = values[j]; values[j] = swap }
    if (count == 0) return 0
    if (count % 2) return values[(count + 1) / 2] + 0
    return (values[count / 2] + values[count / 2 + 1]) / 2
}

function quotient(a, b) { return b > 0 ? a / b : 0 }

function write(a, b, c, d, e, f, g, h, i) {
    line(a, b, c, d, e, f, g, h, i)
    print a "\t" b "\t" c "\t" d "\t" e "\t" f "\t" g "\t" h "\t" i > tsv
}

function line(a, b, c, d, e, f, g, h, i) {
    printf "%-11s %-14s %8s %7s %8s %9s %7s  %-30s %s\n", a, b, c, d, e, f, g, h, i
}
