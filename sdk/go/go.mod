module countersign/sdk

go 1.25
