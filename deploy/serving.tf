# The forecast service: on Cloud Run, where it follows the champion, and an endpoint of Vertex AI,
# which serves one release. `kedro release deploy` gives either an image and a release.

locals {
  serving = var.serving_image == "" ? 0 : 1
}

resource "google_cloud_run_v2_service" "serving" {
  count    = local.serving
  name     = "${var.name}-forecasts"
  location = var.region
  ingress  = "INGRESS_TRAFFIC_ALL" # Google authenticates every caller

  template {
    service_account = google_service_account.this["serving"].email

    scaling {
      min_instance_count = var.serving_min_instances
      max_instance_count = 2
    }

    containers {
      image   = var.serving_image
      command = ["python"]
      args    = ["-m", "book_forecast.serving"]

      ports {
        container_port = 8080
      }

      resources {
        cpu_idle          = false # it looks for another champion between requests
        startup_cpu_boost = true
        limits = {
          cpu    = "1"
          memory = "2Gi"
        }
      }

      env {
        name  = "BOOK_FORECAST_RELEASES"
        value = "gs://${google_storage_bucket.this["data"].name}/06_models/releases"
      }

      env {
        name  = "BOOK_FORECAST_SERVE_STOCK"
        value = "gs://${google_storage_bucket.this["data"].name}/07_model_output/stock_advice.parquet"
      }

      # It is ready once there is a champion: apply with an image after the first run.
      startup_probe {
        period_seconds    = 5
        failure_threshold = 36

        http_get {
          path = "/readyz"
        }
      }

      liveness_probe {
        period_seconds    = 30
        failure_threshold = 3

        http_get {
          path = "/healthz"
        }
      }
    }
  }

  lifecycle {
    # Those of the last deployment stay.
    ignore_changes = [
      client,
      client_version,
      template[0].containers[0].env,
      template[0].containers[0].image,
      template[0].labels,
    ]
  }

  depends_on = [google_project_iam_member.this, google_storage_bucket_iam_member.this]
}

resource "google_cloud_run_v2_service_iam_member" "serving" {
  for_each = { for member in var.serving_callers : member => member if local.serving == 1 }
  name     = google_cloud_run_v2_service.serving[0].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}

# A deployment names the account of the service; the submitter needs the right to act as it.
resource "google_service_account_iam_member" "submitter_as_serving" {
  service_account_id = google_service_account.this["serving"].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.member["submitter"]
}

resource "google_vertex_ai_endpoint" "serving" {
  count        = var.vertex_endpoint == "" ? 0 : 1
  name         = "1000000001" # Vertex AI takes a number; commands know the display name
  display_name = var.vertex_endpoint
  description  = "Forecasts of one release"
  location     = var.region
  region       = var.region

  lifecycle {
    ignore_changes = [traffic_split] # each deployment moves it
  }

  depends_on = [google_project_service.this]
}
