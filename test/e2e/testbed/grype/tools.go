//go:build tools

package main

import _ "github.com/anchore/grype/cmd/grype"
