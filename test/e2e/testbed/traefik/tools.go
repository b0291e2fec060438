//go:build tools

// Package tools pins the Gateway implementation that the split by HTTPRoute is tested with.
package tools

import (
	_ "github.com/traefik/traefik/v3/cmd/traefik"
)
