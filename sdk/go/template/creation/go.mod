module acme-refunds

go 1.25

require countersign/sdk v0.0.0

replace countersign/sdk => ../..
