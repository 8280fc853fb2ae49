# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A headless Chromium, driven by WebDriver with curl: browser_open DIR, then browser_go, browser_size,
# browser_says, browser_shot; browser_close ends it. Everything it writes is in DIR.

BROWSER_PID='' BROWSER_URL=''

browser_is_there() { command -v chromium >/dev/null && command -v chromedriver >/dev/null; }

# browser_ask METHOD PATH [JSON]: the answer's JSON
browser_ask() {
    curl -sS --noproxy '*' -m 100 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "$BROWSER_URL$2"
}

# browser_open DIR
browser_open() {
    local dir=$1 port='' session until=$((SECONDS + 60))
    mkdir -p "$dir"
    chromedriver --port=0 >"$dir/driver.log" 2>&1 &
    BROWSER_PID=$!
    until port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$dir/driver.log") && [[ $port ]]; do
        ((SECONDS < until)) || return 1
        sleep 0.05
    done
    BROWSER_URL=http://127.0.0.1:$port
    session=$(browser_ask POST /session '{"capabilities":{"alwaysMatch":{"goog:chromeOptions":{"args":["--headless","--no-sandbox","--disable-gpu","--disable-quic","--no-first-run","--hide-scrollbars",
        "--disable-background-networking","--disable-component-update","--disable-sync",
        "--user-data-dir='"$dir"'/profile.'"$RANDOM"'"]}}}}' |
        sed -n 's/.*"sessionId":"\([0-9a-f]*\)".*/\1/p')
    [[ $session ]] || return 1
    BROWSER_URL+=/session/$session
}

browser_close() {
    [[ $BROWSER_PID ]] || return 0
    browser_ask DELETE '' >/dev/null 2>&1 || true
    kill "$BROWSER_PID" 2>/dev/null || true
    wait "$BROWSER_PID" 2>/dev/null || true
    BROWSER_PID=''
}

browser_go() { browser_ask POST /url "{\"url\":\"$1\"}" >/dev/null; }

# browser_size WIDTH HEIGHT [mobile]: of the page itself
browser_size() {
    local mobile=false
    [[ ${3:-} != mobile ]] || mobile=true
    browser_ask POST /goog/cdp/execute '{"cmd":"Emulation.setDeviceMetricsOverride","params":{"width":'"$1"',
        "height":'"$2"',"deviceScaleFactor":1,"mobile":'"$mobile"'}}' >/dev/null
}

# browser_scheme light|dark
browser_scheme() {
    browser_ask POST /goog/cdp/execute '{"cmd":"Emulation.setEmulatedMedia","params":{"features":[{"name":"prefers-color-scheme","value":"'"$1"'"}]}}' >/dev/null
}

# browser_says JAVASCRIPT: what the expression is, as JSON. No double quotes in it.
browser_says() {
    browser_ask POST /execute/sync '{"script":"return ('"$1"')","args":[]}' | sed 's/^{"value"://; s/}$//'
}

# browser_key KEY: pressed and released, wherever the focus is
browser_key() {
    browser_ask POST /actions '{"actions":[{"type":"key","id":"k","actions":[{"type":"keyDown","value":"'"$1"'"},{"type":"keyUp","value":"'"$1"'"}]}]}' >/dev/null
}

# browser_shot FILE: what the window shows
browser_shot() {
    browser_ask GET /screenshot | sed 's/^{"value":"//; s/"}$//' | base64 -d >"$1"
}
