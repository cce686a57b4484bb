# The variables that conf/production and the commands in docs/cloud.md read:
# eval "$(terraform output -raw environment)"

output "environment" {
  description = "Variables of the shell that submits runs."
  value = join("\n", [
    for name, value in {
      BOOK_FORECAST_PROJECT         = var.project
      BOOK_FORECAST_REGION          = var.region
      BOOK_FORECAST_BUCKET          = google_storage_bucket.this["data"].name
      BOOK_FORECAST_ARTIFACTS       = "gs://${google_storage_bucket.this["zenml"].name}"
      BOOK_FORECAST_REGISTRY        = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.name}"
      BOOK_FORECAST_SERVICE_ACCOUNT = google_service_account.this["pipeline"].email
      BOOK_FORECAST_SERVING_ACCOUNT = google_service_account.this["serving"].email
      BOOK_FORECAST_MLFLOW_AUTH     = local.mlflow == 0 ? null : "google_identity"
      MLFLOW_TRACKING_URI           = one(google_cloud_run_v2_service.mlflow[*].uri)
    } : "export ${name}='${value}'" if value != null
  ])
}

output "submitter" {
  description = "The account to impersonate for submitting runs."
  value       = google_service_account.this["submitter"].email
}

output "forecasts" {
  description = "Address of the forecast service on Cloud Run."
  value       = one(google_cloud_run_v2_service.serving[*].uri)
}
