// Package ext stands in for a module that Traefik keeps inside its own repository, where the module
// proxy does not serve it: two empty types that Traefik's configuration embeds.
package ext

// HTTP embeds nothing more.
type HTTP struct{}

// Router embeds nothing more.
type Router struct{}
