#!/bin/sh
# Notes by whom the image was made.
set -eu
echo "built as $PACKER_BUILD_NAME by the $PACKER_BUILDER_TYPE builder, in $COLOUR" >> /etc/quickstart
