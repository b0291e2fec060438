// Writes a vulnerability database of Grype with one made-up finding, so that the real scanner runs without network.
package main

import (
	"log"
	"os"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/spf13/afero"
)

func main() {
	folder := os.Args[1]
	check(os.MkdirAll(folder, 0o755))
	store, err := v6.NewWriter(v6.Config{DBDirPath: folder})
	check(err)
	now := time.Now().UTC()
	check(store.SetDBMetadata())
	provider := &v6.Provider{ID: "github", Version: "v1", Processor: "test", DateCaptured: &now}
	check(store.AddProvider(*provider))
	vulnerability := &v6.VulnerabilityHandle{
		Name: "GHSA-test-0000-0001", Status: v6.VulnerabilityActive, ProviderID: "github", Provider: provider,
		PublishedDate: &now, ModifiedDate: &now,
		BlobValue: &v6.VulnerabilityBlob{
			ID:         "GHSA-test-0000-0001",
			Severities: []v6.Severity{{Scheme: v6.SeveritySchemeCHMLN, Value: "high", Rank: 1}},
		},
	}
	check(store.AddVulnerabilities(vulnerability))
	check(store.AddAffectedPackages(&v6.AffectedPackageHandle{
		VulnerabilityID: vulnerability.ID, Vulnerability: vulnerability,
		Package: &v6.Package{Ecosystem: "python", Name: "leakylib"},
		BlobValue: &v6.PackageBlob{Ranges: []v6.Range{{
			Version: v6.Version{Type: "python", Constraint: "<1.2.4"},
			Fix:     &v6.Fix{Version: "1.2.4", State: v6.FixedStatus},
		}}},
	}))
	check(store.Close())
	_, err = v6.WriteImportMetadata(afero.NewOsFs(), folder, "made for a test")
	check(err)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
