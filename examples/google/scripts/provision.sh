#!/bin/sh
# Notes in the image by whom it was made. Runs as the user that the template connects as, who may `sudo` in Google Cloud.
set -eu
echo "built as $PACKER_BUILD_NAME by the $PACKER_BUILDER_TYPE builder" > "$HOME/packer-demo"
# What was written is on the disk before that becomes an image.
sync
