variable "project" {
  description = "Id of the Google Cloud project, which exists and has billing."
  type        = string
}

variable "region" {
  description = "Where everything is; one that has Vertex AI Pipelines."
  type        = string
  default     = "europe-west1"
}

variable "name" {
  description = "What names start with."
  type        = string
  default     = "books"
}

variable "keep_days" {
  description = "For how many days a replaced or deleted object of the data can be had back."
  type        = number
  default     = 90
}

variable "submitters" {
  description = "Who may act as the submitter, such as user:ann@example.com or a CI's principalSet://…"
  type        = list(string)
  default     = []
}

variable "readers" {
  description = "Who else may look at MLflow, such as group:planning@example.com."
  type        = list(string)
  default     = []
}

variable "mlflow_image" {
  description = "Image made from mlflow.Dockerfile. There is no MLflow server until it is given."
  type        = string
  default     = ""
}

variable "mlflow_database_tier" {
  description = "Machine of MLflow's database."
  type        = string
  default     = "db-f1-micro"
}

variable "mlflow_password_version" {
  description = "Raise it by one for a new password of MLflow's database."
  type        = number
  default     = 1
}
