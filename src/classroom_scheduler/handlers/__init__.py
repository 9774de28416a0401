"""One module a Lambda function, named as its state and its template resource."""
