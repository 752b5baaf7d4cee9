#!/usr/bin/env bash
# Renders every bitmap from the drawings: needs rsvg-convert, and the Tauri CLI from ui/node_modules for .ico and .icns.
set -euo pipefail
cd "$(dirname "$0")"
for size in 32 64 128 256 512 1024; do rsvg-convert -w "$size" icon.svg -o "/tmp/answerback-$size.png"; done
cp /tmp/answerback-32.png 32x32.png
cp /tmp/answerback-64.png 64x64.png
cp /tmp/answerback-128.png 128x128.png
cp /tmp/answerback-256.png 128x128@2x.png
cp /tmp/answerback-512.png icon.png
out=$(mktemp -d)
../ui/node_modules/.bin/tauri icon /tmp/answerback-1024.png --output "$out" >/dev/null
cp "$out/icon.ico" "$out/icon.icns" .
rm -r "$out" /tmp/answerback-*.png
for drawing in tray/*.svg; do rsvg-convert -w 64 "$drawing" -o "${drawing%.svg}.png"; done
