#!/bin/sh
# A worker in sh and curl. It trains trials of a study until the study has its total.
#
#     export TUNER_SERVER=http://127.0.0.1:8000 TUNER_TOKEN=...
#     sh worker.sh remote
set -eu
study="$TUNER_SERVER/api/v1/studies/$1"

post() { # PLACE BODY: sets $status and $answer; a server that is away is asked again
    answer=$(curl --silent --show-error --retry 10 --retry-connrefused --write-out '\n%{http_code}' \
        --header "Authorization: Bearer $TUNER_TOKEN" --json "$2" "$study/$1")
    status=${answer##*
}
    answer=${answer%
*}
}

field() { # NAME: the first plain value of that name in $answer
    printf '%s' "$answer" | sed 's/[{},]/\n/g' | sed -n "s/^\"$1\"://p" | sed 's/"//g; 1q'
}

while :; do
    post ask "{\"worker\": \"sh-$$\"}"
    case $status in
        200) ;;
        204) sleep 1; continue ;;       # none now: one may still be given back
        410) exit 0 ;;                  # the study has its total
        *) echo "$answer" >&2; exit 1 ;;
    esac
    number=$(field number) attempt=$(field attempt) rate=$(field rate) decay=$(field decay)
    verdict=go epoch=1
    while [ "$verdict" = go ] && [ "$epoch" -le 5 ]; do
        error=$(awk "BEGIN { print (log($rate / 0.03) / log(10)) ^ 2 + $decay ^ $epoch }")
        post "trials/$number/epochs" \
            "{\"attempt\": $attempt, \"epochs\": [{\"epoch\": $epoch, \"metrics\": {\"error\": $error}}]}"
        [ "$status" = 200 ] || { echo "$answer" >&2; break; }
        verdict=$(field verdict)
        epoch=$((epoch + 1))
    done
    case $status$verdict in
        200go) post "trials/$number/complete" "{\"attempt\": $attempt}" ;;
        200suspend) post "trials/$number/release" "{\"attempt\": $attempt}" ;;
    esac
    echo "trial $number has ended"
done
